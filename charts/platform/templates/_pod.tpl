{{/* An image's full name; the argument has image and root. */}}
{{- define "platform.reference" -}}
{{ .image.repository }}{{ with .image.digest }}@{{ . }}{{ else }}:{{ .image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{/* Of a container; the argument has image and root. */}}
{{- define "platform.image" -}}
image: {{ include "platform.reference" . | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- end }}

{{- define "platform.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ . }}}
  {{- end }}
{{- end }}
{{- end }}

{{/* Of a pod; the argument is its user's number. */}}
{{- define "platform.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "platform.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Volume claims of a StatefulSet; the argument is the values' section with size and storageClass. */}}
{{- define "platform.claims" -}}
- metadata: {name: data}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .storageClass }}
    storageClassName: {{ . }}
    {{- end }}
    resources: {requests: {storage: {{ .size }}}}
{{- end }}

{{/* The argument has secret, whose keys it is, and root. */}}
{{- define "platform.s3Env" -}}
- {name: AWS_ACCESS_KEY_ID, valueFrom: {secretKeyRef: {name: {{ .secret }}, key: s3-access-key}}}
- {name: AWS_SECRET_ACCESS_KEY, valueFrom: {secretKeyRef: {name: {{ .secret }}, key: s3-secret-key}}}
- {name: AWS_REGION, value: {{ .root.Values.s3.region | quote }}}
{{- with include "platform.s3Endpoint" (dict "root" .root) }}
- {name: AWS_ENDPOINT_URL_S3, value: {{ . | quote }}}
# MLflow's own name for it
- {name: MLFLOW_S3_ENDPOINT_URL, value: {{ . | quote }}}
{{- end }}
{{- end }}
