{{/* A container that ends well where they are all there. Who upgrades without asking the cluster (Argo CD, Flux, `helm template`) is told
of a Secret that is missing by no look of Helm's: the tables would be changed, and the pods would not start. */}}
{{- define "ratchet.secretsContainer" -}}
- name: secrets
  {{- include "ratchet.image" . | nindent 2 }}
  command:
    - sh
    - -c
    - |
      cd "$1" && shift
      for wanted in "$@"; do
        [ -e "$wanted" ] || missing="$missing${missing:+, }$wanted"
      done
      [ -z "$missing" ] && exit
      echo "error: Secrets, or entries of them, are missing in namespace $NAMESPACE: $missing. Nothing has been changed. Upgrade the chart platform first, or write them (its README.md, Roles), or set connections.roles=false for one database role that does everything" >&2
      exit 1
    - secrets
    - /etc/ratchet-connections
    {{- range $secret, $keys := include "ratchet.secretsAsked" . | fromJson }}
    {{- range $keys }}
    - {{ printf "%s/%s" $secret . }}
    {{- else }}
    - {{ $secret }}
    {{- end }}
    {{- end }}
  terminationMessagePolicy: FallbackToLogsOnError
  securityContext: {{- include "ratchet.containerSecurity" . | nindent 4 }}
  env: [{name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}]
  resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 64Mi}}
  volumeMounts: [{name: connections, mountPath: /etc/ratchet-connections, readOnly: true}]
{{- end }}

{{/* What it looks at: no more of a Secret than the entries that are asked for. */}}
{{- define "ratchet.secretsVolume" -}}
- name: connections
  projected:
    sources:
      {{- range $secret, $keys := include "ratchet.secretsAsked" . | fromJson }}
      - secret:
          name: {{ $secret }}
          optional: true
          items:
            {{- range $keys | default (list "RATCHET_TRACKING_URI" "RATCHET_LEDGER_URL" "RATCHET_REQUESTS_URL" "RATCHET_ONLINE_URL" "RATCHET_SNAPSHOTS_URL") }}
            - {key: {{ . }}, path: {{ printf "%s/%s" $secret . }}}
            {{- end }}
      {{- end }}
{{- end }}
