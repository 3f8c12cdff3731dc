{{/* The name of every object, one helper a name. All of them begin with ratchet.fullname, so two releases share none. */}}

{{/* The release's name, unless fullnameOverride says else; with nameOverride that is added. Never longer than 42 characters where the
values had a say: a CronJob's name may have 52, the longest that is added has 10. */}}
{{- define "ratchet.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if and .Values.nameOverride (not (contains .Values.nameOverride .Release.Name)) }}
{{- printf "%s-%s" .Release.Name .Values.nameOverride | trunc 42 | trimSuffix "-" }}
{{- else }}
{{- .Release.Name }}
{{- end }}
{{- end }}

{{- define "ratchet.names.serving" -}}
{{ include "ratchet.fullname" . }}-serving
{{- end }}

{{- define "ratchet.names.dashboard" -}}
{{ include "ratchet.fullname" . }}-serving-dashboard
{{- end }}

{{- define "ratchet.names.exporter" -}}
{{ include "ratchet.fullname" . }}-exporter
{{- end }}

{{- define "ratchet.names.ui" -}}
{{ include "ratchet.fullname" . }}-ui
{{- end }}

{{- define "ratchet.names.toolbox" -}}
{{ include "ratchet.fullname" . }}-toolbox
{{- end }}

{{- define "ratchet.names.watch" -}}
{{ include "ratchet.fullname" . }}-watch
{{- end }}

{{- define "ratchet.names.retention" -}}
{{ include "ratchet.fullname" . }}-retention
{{- end }}

{{- define "ratchet.names.score" -}}
{{ include "ratchet.fullname" . }}-score
{{- end }}

{{- define "ratchet.names.promoter" -}}
{{ include "ratchet.fullname" . }}-promoter
{{- end }}

{{- define "ratchet.names.lease" -}}
{{ include "ratchet.fullname" . }}-promotion
{{- end }}

{{/* The CronJob, and the ConfigMap with a step's settings. */}}
{{- define "ratchet.names.pipeline" -}}
{{ include "ratchet.fullname" . }}-pipeline
{{- end }}

{{/* The ConfigMap with ratchet.yaml. */}}
{{- define "ratchet.names.project" -}}
{{ include "ratchet.fullname" . }}-project
{{- end }}

{{/* The Job that reads ratchet.yaml before an install or upgrade, and its ConfigMap. */}}
{{- define "ratchet.names.check" -}}
{{ include "ratchet.fullname" . }}-check
{{- end }}

{{/* The Job that brings the tables up to date before an install or upgrade. */}}
{{- define "ratchet.names.migrate" -}}
{{ include "ratchet.fullname" . }}-migrate
{{- end }}

{{/* The pod of `helm test`. */}}
{{- define "ratchet.names.test" -}}
{{ include "ratchet.fullname" . }}-predict
{{- end }}

{{/* The admission policy and its binding are the cluster's, not the namespace's. */}}
{{- define "ratchet.names.admission" -}}
{{ include "ratchet.names.promoter" . }}.{{ .Release.Namespace }}
{{- end }}
