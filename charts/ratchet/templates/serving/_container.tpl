{{- define "ratchet.servingContainer" -}}
name: serving
{{- include "ratchet.image" . | nindent 0 }}
command: [python, -P, -m, serving.pod, --port, "3000"]
securityContext: {{- include "ratchet.containerSecurity" . | nindent 2 }}
env:
  - {name: RATCHET_PROJECT, value: /etc/ratchet/ratchet.yaml}
  - {name: RATCHET_HOME, value: /var/lib/ratchet}
  - {name: RATCHET_RATE_LIMIT, value: {{ .Values.serving.rateLimit | quote }}}
  - {name: RATCHET_DRAIN_SECONDS, value: {{ .Values.serving.drainSeconds | quote }}}
  - {name: RATCHET_MODEL_VERSION, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['ratchet.dev/model-version']"}}}
  # that its files must have, by the ledger's word
  - {name: RATCHET_MODEL_DIGEST, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['ratchet.dev/model-digest']"}}}
  # what answering needs, and no more: neither the ledger nor S3, and an online database of ours only where the project has features in one
  {{- $names := concat (list "RATCHET_TRACKING_URI" "RATCHET_REQUESTS_URL") (ternary (list "RATCHET_ONLINE_URL") list (eq (include "ratchet.featureStore" .) "feast")) }}
  {{- include "ratchet.connections" (dict "names" $names "secret" (include "ratchet.connectionsOf" (dict "use" "serving" "own" .Values.serving.connectionsSecret "root" .)) "root" .) | nindent 2 }}
  {{- with include "ratchet.servingHosts" . }}
  - {name: RATCHET_HOSTS, value: {{ . | quote }}}
  {{- end }}
  {{- range $variable, $value := omit (.Values.serving.env | default dict) "RATCHET_HOSTS" }}
  - {name: {{ $variable }}, value: {{ $value | quote }}}
  {{- end }}
ports: [{name: http, containerPort: 3000}]
# the process answers /livez as soon as it serves, with or without a model; /readyz only with one that answers right
startupProbe: {httpGet: {path: /livez, port: http}, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 180}
readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 3}
livenessProbe: {httpGet: {path: /livez, port: http}, periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 6}
lifecycle:
  preStop: {exec: {command: [sh, -c, "touch /var/lib/ratchet/draining; sleep {{ .Values.serving.drainSeconds }}"]}}
resources: {{- toYaml .Values.serving.resources | nindent 2 }}
volumeMounts: {{- include "ratchet.mounts" . | nindent 2 }}
{{- end }}
