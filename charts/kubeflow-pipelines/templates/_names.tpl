{{/* The name of every object, one helper a name. Most are fixed: Kubeflow's own programs ask for them. The release has a say in the
names of what they are given. */}}

{{/* The release's name, unless fullnameOverride says else; with nameOverride that is added. */}}
{{- define "kfp.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if and .Values.nameOverride (not (contains .Values.nameOverride .Release.Name)) }}
{{- printf "%s-%s" .Release.Name .Values.nameOverride | trunc 42 | trimSuffix "-" }}
{{- else }}
{{- .Release.Name }}
{{- end }}
{{- end }}

{{/* StatefulSet, Service and, unless it is your own, Secret. */}}
{{- define "kfp.names.mysql" -}}
{{ include "kfp.fullname" . }}-mysql
{{- end }}

{{- define "kfp.names.mysqlSecret" -}}
{{ .Values.mysql.existingSecret | default (include "kfp.names.mysql" .) }}
{{- end }}

{{- define "kfp.names.apiServerConfig" -}}
{{ include "kfp.fullname" . }}-api-server
{{- end }}

{{- define "kfp.names.metadataProxy" -}}
{{ include "kfp.fullname" . }}-metadata-proxy
{{- end }}

{{/* The pod of `helm test`. */}}
{{- define "kfp.names.test" -}}
{{ include "kfp.fullname" . }}-answers
{{- end }}

{{/* What driver, launcher and both agents ask for. */}}
{{- define "kfp.names.apiServer" -}}
ml-pipeline
{{- end }}

{{- define "kfp.names.persistenceAgent" -}}
ml-pipeline-persistenceagent
{{- end }}

{{- define "kfp.names.scheduledWorkflow" -}}
ml-pipeline-scheduledworkflow
{{- end }}

{{- define "kfp.names.ui" -}}
ml-pipeline-ui
{{- end }}

{{- define "kfp.names.metadata" -}}
metadata-grpc
{{- end }}

{{/* What driver and launcher are given, with port 8080. */}}
{{- define "kfp.names.metadataService" -}}
metadata-grpc-service
{{- end }}

{{- define "kfp.names.workflowController" -}}
workflow-controller
{{- end }}

{{- define "kfp.names.argoConfig" -}}
workflow-controller-configmap
{{- end }}

{{/* What API server, driver and launcher ask for. */}}
{{- define "kfp.names.launcher" -}}
kfp-launcher
{{- end }}
