{{/* Values that do not go together are one sentence. */}}
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
{{- if and (or (.Values.backup).schedule (.Values.backup).restore) (not .Values.postgres.enabled) }}
{{- fail "postgres is off: back your own database up by its own means, and leave backup.schedule and backup.restore empty" }}
{{- end }}
{{- if and .Values.connections.create .Values.existingSecret }}
{{- fail "with existingSecret write the connections Secret yourself (README.md lists its keys) and set connections.create=false" }}
{{- end }}
{{- if and .Values.connections.namespaces (not .Values.connections.create) }}
{{- fail "connections.create is off: write the connections Secret into connections.namespaces yourself too, and leave those out" }}
{{- end }}
{{- end }}
