{{/* The names by which serving may be asked; empty: by any. Promoter, tasks and `helm test` ask by the Service's, so those are always among
them; probes and Prometheus ask by address, which is no name. */}}
{{- define "ratchet.servingHosts" -}}
{{- include "ratchet.checkHosts" . }}
{{- $said := concat (.Values.serving.hosts | default list) (dig "RATCHET_HOSTS" "" (.Values.serving.env | default dict) | splitList "," | compact) }}
{{- if $said }}
{{- $service := include "ratchet.names.serving" . }}
{{- $space := printf "%s.%s" $service .Release.Namespace }}
{{- $own := list $service $space (printf "%s.svc" $space) (printf "%s.svc.cluster.local" $space) }}
{{- join "," (concat $said $own (ternary (list .Values.ingress.host) list .Values.ingress.enabled) | uniq) }}
{{- end }}
{{- end }}

{{/* A variable of extraEnv takes the place of ours: one that leaves the Service's name out would refuse every promotion. */}}
{{- define "ratchet.checkHosts" -}}
{{- $asked := printf "%s.%s" (include "ratchet.names.serving" .) .Release.Namespace }}
{{- range concat ((.Values.pods).extraEnv | default list) ((.Values.serving.pod).extraEnv | default list) }}
{{- if and (eq .name "RATCHET_HOSTS") .value (not (has $asked (splitList "," (.value | nospace)))) }}
{{- fail (printf "RATCHET_HOSTS in extraEnv leaves out %s, by which the promoter asks: write them into serving.hosts, which adds it" $asked) }}
{{- end }}
{{- end }}
{{- end }}
