{{/* What every pod has. */}}

{{- define "ratchet.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ . }}}
  {{- end }}
{{- end }}
{{- end }}

{{- define "ratchet.imageName" -}}
{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "ratchet.image" -}}
image: {{ include "ratchet.imageName" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{- define "ratchet.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "ratchet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "ratchet.mounts" -}}
- {name: project, mountPath: /etc/ratchet, readOnly: true}
- {name: home, mountPath: /var/lib/ratchet}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "ratchet.volumes" -}}
- {name: project, configMap: {name: {{ include "ratchet.names.project" . }}}}
- {name: home, emptyDir: {}}
- {name: tmp, emptyDir: {}}
{{- end }}

{{/* Environment variables out of the Secret with the connections; the argument has names, a list; may, a list of those that a Secret
need not have; secret, the part's own Secret, where it has one; and root. Whoever asks MLflow gets the login of one that wants it. */}}
{{- define "ratchet.connections" -}}
{{- $secret := .secret | default .root.Values.connections.secret }}
{{- range .names }}
- {name: {{ . }}, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}}}}
{{- end }}
{{- $login := ternary (list "MLFLOW_TRACKING_USERNAME" "MLFLOW_TRACKING_PASSWORD" "MLFLOW_TRACKING_TOKEN") list (has "RATCHET_TRACKING_URI" .names) }}
{{- range concat (.may | default list) $login }}
- {name: {{ . }}, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}, optional: true}}}
{{- end }}
{{- end }}

{{/* A pod with this annotation is started anew with other settings, or another project. */}}
{{- define "ratchet.checksum" -}}
checksum/settings: {{ printf "%s%s%s" (include "ratchet.settings" .) .Values.project (.Values.featureStore | default "") | sha256sum }}
{{- end }}
