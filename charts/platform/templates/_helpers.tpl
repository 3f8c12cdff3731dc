{{- define "platform.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: ratchet
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "platform.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "platform.secret" -}}
{{ .Values.existingSecret | default (printf "%s-credentials" .Release.Name) }}
{{- end }}

{{- define "platform.s3Secret" -}}
{{ ternary (include "platform.secret" .) .Values.s3.existingSecret .Values.s3.enabled }}
{{- end }}

{{- define "platform.s3Endpoint" -}}
{{ ternary (printf "http://%s-s3.%s:7070" .Release.Name .Release.Namespace) .Values.s3.endpoint .Values.s3.enabled }}
{{- end }}

{{- define "platform.trackingUri" -}}
{{ ternary (printf "http://%s-mlflow.%s:5000" .Release.Name .Release.Namespace) .Values.mlflow.url .Values.mlflow.enabled }}
{{- end }}

{{- define "platform.image" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
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

{{- define "platform.s3Env" -}}
- {name: AWS_ACCESS_KEY_ID, valueFrom: {secretKeyRef: {name: {{ include "platform.s3Secret" . }}, key: s3-access-key}}}
- {name: AWS_SECRET_ACCESS_KEY, valueFrom: {secretKeyRef: {name: {{ include "platform.s3Secret" . }}, key: s3-secret-key}}}
- {name: AWS_REGION, value: {{ .Values.s3.region | quote }}}
{{- with include "platform.s3Endpoint" . }}
- {name: AWS_ENDPOINT_URL_S3, value: {{ . | quote }}}
# MLflow's own name for it
- {name: MLFLOW_S3_ENDPOINT_URL, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{- define "platform.check" -}}
{{- if and (not .Values.s3.enabled) (not .Values.s3.existingSecret) }}
{{- fail "s3 is off: name the Secret with your S3's keys in s3.existingSecret" }}
{{- end }}
{{- if and .Values.mlflow.enabled (not .Values.postgres.enabled) (not .Values.mlflow.databaseSecret) }}
{{- fail "postgres is off: name the Secret with the key url of MLflow's database in mlflow.databaseSecret" }}
{{- end }}
{{- if and (not .Values.mlflow.enabled) (not .Values.mlflow.url) }}
{{- fail "mlflow is off: give the address of your own in mlflow.url" }}
{{- end }}
{{- if and .Values.connections.create (or (not .Values.postgres.enabled) (not .Values.s3.enabled)) }}
{{- fail "with your own database or S3 write the connections Secret yourself (README.md lists its keys) and set connections.create=false" }}
{{- end }}
{{- if and .Values.connections.create .Values.existingSecret }}
{{- fail "with existingSecret write the connections Secret yourself (README.md lists its keys) and set connections.create=false" }}
{{- end }}
{{- end }}
