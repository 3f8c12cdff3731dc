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

{{/* StatefulSet and Service, and the Secret with the keys of Kubeflow's pods and runs. */}}
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

{{/* The Secret with the store's keys for all that there is. */}}
{{- define "platform.names.s3Keys" -}}
{{ ternary (include "platform.names.credentials" .) .Values.s3.existingSecret .Values.s3.enabled }}
{{- end }}

{{/* The Secret with an account's keys. The argument has use and root. */}}
{{- define "platform.names.s3Account" -}}
{{ include "platform.names.s3" .root }}{{ if ne .use "kubeflow" }}-{{ .use }}{{ end }}
{{- end }}

{{/* The accounts of the store that runs here; none where its keys are yours. */}}
{{- define "platform.s3Accounts" -}}
{{ ternary "backup kubeflow mlflow promoter reader" "" (and .Values.s3.enabled (not .Values.existingSecret)) }}
{{- end }}

{{/* The Secret whose S3 keys a part uses: its own, the account's, else those for all. The argument has use, own and root. */}}
{{- define "platform.names.s3KeysOf" -}}
{{- $account := ternary (include "platform.names.s3Account" .) "" (not (empty (include "platform.s3Accounts" .root))) }}
{{- .own | default $account | default (include "platform.names.s3Keys" .root) }}
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
