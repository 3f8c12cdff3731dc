{{/* Where each part is. The argument has root, and domain where the address is for another namespace: `.svc`. */}}

{{- define "platform.s3Endpoint" -}}
{{- $host := printf "%s.%s%s" (include "platform.names.s3" .root) .root.Release.Namespace (.domain | default "") }}
{{- ternary (printf "http://%s:7070" $host) .root.Values.s3.endpoint .root.Values.s3.enabled }}
{{- end }}

{{- define "platform.trackingUri" -}}
{{- $host := printf "%s.%s%s" (include "platform.names.mlflow" .root) .root.Release.Namespace (.domain | default "") }}
{{- ternary (printf "http://%s:5000" $host) .root.Values.mlflow.url .root.Values.mlflow.enabled }}
{{- end }}

{{/* Not empty where the MLflow that runs here asks for a login. */}}
{{- define "platform.mlflowAuth" -}}
{{- if and .Values.mlflow.enabled (dig "auth" "enabled" false .Values.mlflow) }}yes{{ end }}
{{- end }}

{{/* The Secret with PostgreSQL's certificate and key; empty where it speaks no TLS. */}}
{{- define "platform.postgresTls" -}}
{{- with .Values.postgres.tls }}
{{- .existingSecret | default (ternary (printf "%s-tls" (include "platform.names.postgres" $)) "" (not (empty (dig "name" "" (.issuer | default dict))))) }}
{{- end }}
{{- end }}

{{/* What a client of it asks for. */}}
{{- define "platform.sslmode" -}}
{{ ternary "require" "prefer" (not (empty (include "platform.postgresTls" .))) }}
{{- end }}

{{/* Further in the argument: role and password. */}}
{{- define "platform.databaseUrl" -}}
{{- $host := printf "%s.%s%s" (include "platform.names.postgres" .root) .root.Release.Namespace (.domain | default "") }}
{{- $query := ternary "?sslmode=require" "" (not (empty (include "platform.postgresTls" .root))) }}
{{- printf "postgresql+psycopg://%s:%s@%s:5432/ratchet%s" .role .password $host $query }}
{{- end }}

{{/* The names that MLflow answers to, comma-separated. */}}
{{- define "platform.allowedHosts" -}}
{{- $name := include "platform.names.mlflow" . }}
{{- $hosts := list "localhost:*" "127.0.0.1:*" }}
{{- range list "" (printf ".%s" .Release.Namespace) (printf ".%s.svc" .Release.Namespace) (printf ".%s.svc.cluster.local" .Release.Namespace) }}
{{- $hosts = append $hosts (printf "%s%s:*" $name .) }}
{{- end }}
{{- concat $hosts .Values.mlflow.extraAllowedHosts | join "," }}
{{- end }}
