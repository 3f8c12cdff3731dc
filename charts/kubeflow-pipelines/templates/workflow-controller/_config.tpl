{{/* What every pod of a run gets from Argo. */}}
{{- define "kfp.argoConfig" -}}
{{- $store := .Values.objectStore -}}
artifactRepository: |
  archiveLogs: true
  s3:
    endpoint: {{ include "kfp.s3" . | quote }}
    insecure: {{ not $store.secure }}
    region: {{ $store.region | quote }}
    bucket: {{ $store.bucket | quote }}
    keyFormat: {{ include "kfp.logKey" . | quote }}
    accessKeySecret: {name: {{ $store.existingSecret }}, key: {{ $store.accessKey }}}
    secretKeySecret: {name: {{ $store.existingSecret }}, key: {{ $store.secretKey }}}
executor: |
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  resources: {{- toYaml .Values.argo.executor.resources | nindent 4 }}
  # Kubeflow's pods must not be root, and Argo's image does not say who it is
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    seccompProfile: {type: RuntimeDefault}
    {{- include "kfp.containerSecurity" . | nindent 4 }}
workflowDefaults: |
  spec:
    {{- with include "kfp.runsPod" . }}
    {{- . | nindent 4 }}
    {{- end }}
    ttlStrategy: {secondsAfterCompletion: {{ int64 .Values.runs.ttlSeconds }}}
    {{- with .Values.runs.podGC }}
    podGC: {strategy: {{ . }}}
    {{- end }}
    {{- with .Values.runs.retries }}
    # A pod that was lost ends in Error, a drained one by SIGTERM (143). Both say so; a group of tasks that ended with one has no
    # message, and must not multiply the tries at every level. One that ran into its time limit would again.
    templateDefaults:
      retryStrategy:
        limit: {{ . | toString | quote }}
        retryPolicy: Always
        expression: "lastRetry.message != '' && not (lastRetry.message contains 'deadline') && (lastRetry.status == 'Error' || lastRetry.exitCode == '143')"
    {{- end }}
{{- end }}
