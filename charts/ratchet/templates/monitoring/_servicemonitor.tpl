{{/* The argument has name, label (of the Service that is scraped), port (its name) and root. */}}
{{- define "ratchet.serviceMonitor" -}}
{{- $labels := dict "name" .label "root" .root }}
{{- $monitor := .root.Values.monitoring.serviceMonitor -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .name }}
  labels:
    {{- include "ratchet.labels" $labels | nindent 4 }}
    {{- with $monitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels: {{- include "ratchet.selector" $labels | nindent 6 }}
  endpoints:
    - port: {{ .port }}
      path: /metrics
      interval: {{ $monitor.interval }}
      # alerts and dashboard tell models apart by it
      relabelings: [{targetLabel: release, replacement: {{ .root.Release.Name }}}]
{{- end }}
