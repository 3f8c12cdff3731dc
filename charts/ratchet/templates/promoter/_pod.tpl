{{/* Environment of whatever acts as the promoter: all addresses, what it may move, and where Kubeflow is. */}}
{{- define "ratchet.promoterEnv" -}}
envFrom:
  - secretRef: {name: {{ include "ratchet.connectionsOf" (dict "use" "promoter" "own" "" "root" .) }}}
  - configMapRef: {name: {{ include "ratchet.names.pipeline" . }}}
env:
  - {name: RATCHET_ACTOR, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  - {name: RATCHET_KFP_IMAGE, value: {{ include "ratchet.imageName" . | quote }}}
  {{- if .Values.kubeflow.url }}
  {{- include "ratchet.kubeflowEnv" . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "ratchet.kubeflowEnv" -}}
{{- with .Values.kubeflow -}}
- {name: RATCHET_KFP_URL, value: {{ .url | quote }}}
- {name: RATCHET_KFP_UI_URL, value: {{ .uiUrl | quote }}}
- {name: RATCHET_KFP_NAMESPACE, value: {{ .namespace | quote }}}
- {name: RATCHET_KFP_SERVICE_ACCOUNT, value: {{ .serviceAccount }}}
- {name: RATCHET_KFP_CONNECTIONS, value: {{ include "ratchet.connectionsOf" (dict "use" "promoter" "own" "" "root" $) }}}
- {name: RATCHET_KFP_SETTINGS, value: {{ include "ratchet.names.pipeline" $ }}}
- {name: RATCHET_KFP_PROJECT, value: {{ include "ratchet.names.project" $ }}}
- {name: RATCHET_KFP_TIMEOUT, value: {{ .taskSeconds | int64 | quote }}}
- {name: RATCHET_KFP_DEADLINE, value: {{ .runSeconds | default 0 | int64 | quote }}}
- {name: RATCHET_KFP_TTL, value: {{ (hasKey . "ttlSeconds") | ternary .ttlSeconds 86400 | int64 | quote }}}
{{- with $.Values.pipeline.resources }}
- {name: RATCHET_KFP_CPU_REQUEST, value: {{ dig "requests" "cpu" "200m" . | quote }}}
- {name: RATCHET_KFP_MEMORY_REQUEST, value: {{ dig "requests" "memory" "1Gi" . | quote }}}
- {name: RATCHET_KFP_MEMORY_LIMIT, value: {{ dig "limits" "memory" "4Gi" . | quote }}}
{{- end }}
{{- if .tokenSecret }}
- {name: RATCHET_KFP_TOKEN_FILE, value: /etc/ratchet-kubeflow/token/token}
{{- end }}
{{- if .caSecret }}
- {name: RATCHET_KFP_CA_FILE, value: /etc/ratchet-kubeflow/ca/ca.crt}
{{- end }}
{{- end }}
{{- end }}

{{/* What promoterEnv names, beside the volumes of every pod. */}}
{{- define "ratchet.promoterMounts" -}}
{{- include "ratchet.mounts" . }}
{{- range $name, $secret := dict "token" .Values.kubeflow.tokenSecret "ca" .Values.kubeflow.caSecret }}
{{- if and $secret $.Values.kubeflow.url }}
- {name: kubeflow-{{ $name }}, mountPath: /etc/ratchet-kubeflow/{{ $name }}, readOnly: true}
{{- end }}
{{- end }}
{{- end }}

{{- define "ratchet.promoterVolumes" -}}
{{- include "ratchet.volumes" . }}
{{- range $name, $secret := dict "token" .Values.kubeflow.tokenSecret "ca" .Values.kubeflow.caSecret }}
{{- if and $secret $.Values.kubeflow.url }}
- {name: kubeflow-{{ $name }}, secret: {secretName: {{ $secret }}}}
{{- end }}
{{- end }}
{{- end }}
