{{/* The name of every object, one helper a name. */}}

{{/* The release's name, unless fullnameOverride says else; with nameOverride that is added. */}}
{{- define "platform.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if and .Values.nameOverride (not (contains .Values.nameOverride .Release.Name)) }}
{{- printf "%s-%s" .Release.Name .Values.nameOverride | trunc 42 | trimSuffix "-" }}
{{- else }}
{{- .Release.Name }}
{{- end }}
{{- end }}

{{- define "platform.names.postgres" -}}
{{ include "platform.fullname" . }}-postgres
{{- end }}

{{/* StatefulSet and Service, and the Secret with the store's keys alone. */}}
{{- define "platform.names.s3" -}}
{{ include "platform.fullname" . }}-s3
{{- end }}

{{- define "platform.names.mlflow" -}}
{{ include "platform.fullname" . }}-mlflow
{{- end }}

{{/* The Secret with every password: your own, or the one that is generated. */}}
{{- define "platform.names.credentials" -}}
{{ .Values.existingSecret | default (printf "%s-credentials" (include "platform.fullname" .)) }}
{{- end }}

{{/* The Secret whose S3 keys MLflow uses. */}}
{{- define "platform.names.s3Keys" -}}
{{ ternary (include "platform.names.credentials" .) .Values.s3.existingSecret .Values.s3.enabled }}
{{- end }}

{{/* The pod of `helm test`. */}}
{{- define "platform.names.test" -}}
{{ include "platform.fullname" . }}-answers
{{- end }}

{{/* The Job that goes back to a backup: one of its own for each, since a Job cannot be changed or run twice. */}}
{{- define "platform.names.restore" -}}
{{ include "platform.fullname" . | trunc 30 | trimSuffix "-" }}-backup-restore-{{ lower .Values.backup.restore }}
{{- end }}

{{/* CronJob and ConfigMap of the backup, and the claim unless it is your own. */}}
{{- define "platform.names.backup" -}}
{{ include "platform.fullname" . }}-backup
{{- end }}
