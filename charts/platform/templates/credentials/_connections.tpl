{{/* The Secret that the ratchet chart reads. The argument has passwords, root and, where it goes to another namespace, namespace. */}}
{{- define "platform.connectionsSecret" -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ .root.Values.connections.secret }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- include "platform.labels" (dict "name" "connections" "root" .root) | nindent 4 }}
stringData: {{- include "platform.connections" (merge (dict "domain" (ternary ".svc" "" (hasKey . "namespace"))) .) | nindent 2 }}
{{- end }}

{{/* Its entries. The argument has passwords, root and domain. */}}
{{- define "platform.connections" -}}
{{- $bucket := .root.Values.s3.bucket }}
{{- $database := include "platform.databaseUrl" (merge (dict "password" (get .passwords "ratchet-password")) .) -}}
RATCHET_TRACKING_URI: {{ include "platform.trackingUri" . | quote }}
RATCHET_LEDGER_URL: {{ $database | quote }}
{{- with get .passwords "ledger-key" }}
RATCHET_LEDGER_KEY: {{ . | quote }}
{{- end }}
RATCHET_REQUESTS_URL: {{ $database | quote }}
RATCHET_ONLINE_URL: {{ $database | quote }}
RATCHET_SNAPSHOTS_URL: "s3://{{ $bucket }}/snapshots"
RATCHET_REPORTS_URL: "s3://{{ $bucket }}/reports"
AWS_ACCESS_KEY_ID: {{ get .passwords "s3-access-key" | quote }}
AWS_SECRET_ACCESS_KEY: {{ get .passwords "s3-secret-key" | quote }}
AWS_REGION: {{ .root.Values.s3.region | quote }}
AWS_ENDPOINT_URL_S3: {{ include "platform.s3Endpoint" . | quote }}
{{- end }}
