{{- define "kfp.s3" -}}
{{ .Values.objectStore.endpoint | default (printf "platform-s3.%s:7070" .Release.Namespace) }}
{{- end }}

{{- define "kfp.mysqlHost" -}}
{{ ternary (include "kfp.names.mysql" .) .Values.mysql.host .Values.mysql.enabled }}
{{- end }}

{{/* Where a run's logs go. Argo fills the names in; the API server and the pages look there. */}}
{{- define "kfp.logKey" -}}
{{ .Values.objectStore.prefix }}/logs/{{ "{{workflow.name}}/{{pod.name}}" }}
{{- end }}
