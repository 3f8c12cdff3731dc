{{/* The Secrets that the ratchet chart reads: one for the tables' owner, by which `ratchet migrate` runs and nothing else, and one for each
kind of pod. The argument has passwords, root and, where they go to another namespace, namespace. */}}
{{- define "platform.connectionsSecrets" -}}
{{- $base := .root.Values.connections.secret }}
{{- $stored := (lookup "v1" "Secret" (.namespace | default .root.Release.Namespace) $base).data | default dict }}
{{- $where := merge (dict "domain" (ternary ".svc" "" (hasKey . "namespace")) "stored" $stored) . }}
{{- range $use := list "owner" "promoter" "serving" "reader" }}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ $base }}{{ if ne $use "owner" }}-{{ $use }}{{ end }}
  {{- with $where.namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- include "platform.labels" (dict "name" "connections" "root" $where.root) | nindent 4 }}
stringData: {{- include (printf "platform.connections.%s" $use) $where | nindent 2 }}
{{- with include "platform.connections.added" (merge (dict "use" $use) $where) }}
data: {{- . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{/* The entries of each. The argument has passwords, root and domain. */}}
{{- define "platform.connections.owner" -}}
{{ include "platform.connections.tracking" . }}
{{ include "platform.connections.databases" (merge (dict "role" "ratchet" "password" "ratchet-password" "names" (list "LEDGER" "REQUESTS" "ONLINE")) .) }}
{{ include "platform.connections.key" . }}
{{ include "platform.connections.places" (merge (dict "use" "promoter") .) }}
{{- end }}

{{- define "platform.connections.promoter" -}}
{{ include "platform.connections.tracking" . }}
{{ include "platform.connections.databases" (merge (dict "role" "ratchet_promoter" "password" "promoter-password" "names" (list "LEDGER" "REQUESTS" "ONLINE")) .) }}
{{ include "platform.connections.key" . }}
{{ include "platform.connections.places" (merge (dict "use" "promoter") .) }}
{{- end }}

{{- define "platform.connections.serving" -}}
{{ include "platform.connections.tracking" . }}
{{ include "platform.connections.databases" (merge (dict "role" "ratchet_serving" "password" "serving-password" "names" (list "REQUESTS" "ONLINE")) .) }}
{{- end }}

{{- define "platform.connections.reader" -}}
{{ include "platform.connections.tracking" . }}
{{ include "platform.connections.databases" (merge (dict "role" "ratchet_reader" "password" "reader-password" "names" (list "LEDGER" "REQUESTS")) .) }}
{{ include "platform.connections.places" (merge (dict "use" "reader") .) }}
{{- end }}

{{- define "platform.connections.tracking" -}}
RATCHET_TRACKING_URI: {{ include "platform.trackingUri" . | quote }}
{{- if include "platform.mlflowAuth" .root }}
MLFLOW_TRACKING_USERNAME: ratchet
MLFLOW_TRACKING_PASSWORD: {{ get .passwords "mlflow-login" | quote }}
{{- end }}
{{- end }}

{{- define "platform.connections.databases" -}}
{{- $url := include "platform.databaseUrl" (dict "role" .role "password" (get .passwords .password) "root" .root "domain" .domain) }}
{{- range .names }}
RATCHET_{{ . }}_URL: {{ $url | quote }}
{{- end }}
{{- end }}

{{- define "platform.connections.key" -}}
{{- with get .passwords "ledger-key" }}
RATCHET_LEDGER_KEY: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "platform.connections.places" -}}
{{- $bucket := .root.Values.s3.bucket -}}
RATCHET_SNAPSHOTS_URL: "s3://{{ $bucket }}/snapshots"
RATCHET_REPORTS_URL: "s3://{{ $bucket }}/reports"
AWS_ACCESS_KEY_ID: {{ .use | quote }}
AWS_SECRET_ACCESS_KEY: {{ get .passwords (printf "s3-%s-secret" .use) | quote }}
AWS_REGION: {{ .root.Values.s3.region | quote }}
AWS_ENDPOINT_URL_S3: {{ include "platform.s3Endpoint" . | quote }}
{{- end }}

{{/* What somebody has added by hand to the owner's Secret, which is the argument's stored, for a use: all of it for runs, as variables of
a source's database or RATCHET_NOTIFY_URL, MLflow's login for the others. Encoded as it is stored: it need not be text. */}}
{{- define "platform.connections.added" -}}
{{- $written := include "platform.connections.owner" . | fromYaml }}
{{- $login := list "MLFLOW_TRACKING_USERNAME" "MLFLOW_TRACKING_PASSWORD" "MLFLOW_TRACKING_TOKEN" }}
{{- $names := list }}
{{- if eq .use "promoter" }}
{{- $names = keys .stored | sortAlpha }}
{{- else if ne .use "owner" }}
{{- $names = $login }}
{{- end }}
{{- range $name := $names }}
{{- /* a login that this chart has made is the only one */}}
{{- $ours := or (hasKey $written $name) (and (has $name $login) (not (empty (include "platform.mlflowAuth" $.root)))) }}
{{- with ternary "" (get $.stored $name) $ours }}
{{ $name | quote }}: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
