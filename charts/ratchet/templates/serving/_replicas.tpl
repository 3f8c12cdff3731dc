{{/* How many pods the Deployment asks for; empty: it does not say. With an autoscaler it is the number that runs, because a field
that goes out of a manifest is no longer what it was but 1, Kubernetes' default, and all pods but one would end until the autoscaler
looks. Without a cluster to ask (`helm template`, a first install) nothing runs that could be lost. */}}
{{- define "ratchet.servingReplicas" -}}
{{- if .Values.autoscaling.enabled }}
{{- $live := lookup "apps/v1" "Deployment" .Release.Namespace (include "ratchet.names.serving" .) }}
{{- with $live }}
{{- max (dig "spec" "replicas" 1 . | int64) ($.Values.autoscaling.minReplicas | int64) }}
{{- end }}
{{- else }}
{{- .Values.serving.replicas }}
{{- end }}
{{- end }}
