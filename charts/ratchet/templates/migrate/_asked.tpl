{{/* The entries with addresses that the chart's pods cannot start without, by Secret, as JSON: of one whose entries are all variables of a
pod, an empty list. The values of a part that is off count as little as those that a pod does without. */}}
{{- define "ratchet.secretsAsked" -}}
{{- $parts := list "serving" "pipeline" }}
{{- range $part := list "exporter" "watch" "ui" "toolbox" }}
{{- $parts = concat $parts (ternary (list $part) list (get $.Values $part).enabled) }}
{{- end }}
{{- range $part := list "retention" "score" }}
{{- $parts = concat $parts (ternary (list $part) list (not (empty (dig $part "schedule" "" $.Values.AsMap)))) }}
{{- end }}
{{- $addresses := list "RATCHET_TRACKING_URI" "RATCHET_LEDGER_URL" "RATCHET_REQUESTS_URL" "RATCHET_ONLINE_URL" }}
{{- $asked := dict }}
{{- range $part := $parts }}
{{- $pod := include "ratchet.podTemplate" (dict "name" (printf "ratchet.%s.pod" $part) "own" (get $.Values $part).pod "root" $) | fromYaml }}
{{- range $container := $pod.spec.containers }}
{{- range $container.envFrom }}
{{- with .secretRef }}
{{- $_ := set $asked .name (get $asked .name | default list) }}
{{- end }}
{{- end }}
{{- range $container.env }}
{{- $from := dig "valueFrom" "secretKeyRef" dict . }}
{{- if and (has .name $addresses) $from (not $from.optional) }}
{{- $_ := set $asked $from.name (append (get $asked $from.name | default list) $from.key | uniq) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $asked }}
{{- end }}
