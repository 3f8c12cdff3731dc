{{/* What the ratchet chart reads. The argument has passwords, root and, for another namespace, domain. */}}
{{- define "platform.connections" -}}
{{- $bucket := .root.Values.s3.bucket }}
{{- $database := include "platform.databaseUrl" (set . "password" (get .passwords "ratchet-password")) -}}
RATCHET_TRACKING_URI: {{ include "platform.trackingUri" . | quote }}
RATCHET_LEDGER_URL: {{ $database | quote }}
RATCHET_REQUESTS_URL: {{ $database | quote }}
RATCHET_ONLINE_URL: {{ $database | quote }}
RATCHET_SNAPSHOTS_URL: "s3://{{ $bucket }}/snapshots"
RATCHET_REPORTS_URL: "s3://{{ $bucket }}/reports"
AWS_ACCESS_KEY_ID: {{ get .passwords "s3-access-key" | quote }}
AWS_SECRET_ACCESS_KEY: {{ get .passwords "s3-secret-key" | quote }}
AWS_REGION: {{ .root.Values.s3.region | quote }}
AWS_ENDPOINT_URL_S3: {{ include "platform.s3Endpoint" . | quote }}
{{- end }}
