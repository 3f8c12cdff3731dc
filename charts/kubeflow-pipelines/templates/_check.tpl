{{/* Values that do not go together are one sentence. */}}
{{- define "kfp.check" -}}
{{- if and (not .Values.mysql.enabled) (or (not .Values.mysql.host) (not .Values.mysql.existingSecret)) }}
{{- fail "mysql is off: give the host of your own in mysql.host and the Secret with username and password in mysql.existingSecret" }}
{{- end }}
{{- if and (not .Values.metadata.enabled) (not .Values.metadata.host) }}
{{- fail "metadata is off: give the host of your own ML Metadata server in metadata.host" }}
{{- end }}
{{- end }}
