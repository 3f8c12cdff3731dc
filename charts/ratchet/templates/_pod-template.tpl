{{/* A pod's metadata and spec, with what the values ask of every pod (pods) and of this part's own (pod). The argument has name, that of
the template that makes the pod; own, the part's values, where it has any; and root. Maps and lists of both are put together, and the
part's own word counts before the one for all; affinity, priority class and spread are the part's own, else those for all. */}}
{{- define "ratchet.podTemplate" -}}
{{- $pod := include .name .root | fromYaml }}
{{- with $pod.Error }}
{{- fail (printf "%s: %s" $.name .) }}
{{- end }}
{{- $own := .own | default dict }}
{{- $all := .root.Values.pods | default dict }}
{{- range $field, $asked := dict "labels" "podLabels" "annotations" "podAnnotations" }}
{{- with merge dict (get $own $asked | default dict) (get $all $asked | default dict) (get $pod.metadata $field | default dict) }}
{{- $_ := set $pod.metadata $field . }}
{{- end }}
{{- end }}
{{- with merge dict ($own.nodeSelector | default dict) ($all.nodeSelector | default dict) }}
{{- $_ := set $pod.spec "nodeSelector" . }}
{{- end }}
{{- range $field := list "affinity" "priorityClassName" "topologySpreadConstraints" }}
{{- with get $own $field | default (get $all $field) }}
{{- $_ := set $pod.spec $field (deepCopy .) }}
{{- end }}
{{- end }}
{{- range $pod.spec.topologySpreadConstraints }}
{{- if not .labelSelector }}
{{- $_ := set . "labelSelector" (dict "matchLabels" (pick ($pod.metadata.labels | default dict) "app.kubernetes.io/name" "app.kubernetes.io/instance")) }}
{{- end }}
{{- end }}
{{- range $field, $asked := dict "tolerations" "tolerations" "volumes" "extraVolumes" }}
{{- with concat (get $pod.spec $field | default list) (get $all $asked | default list) (get $own $asked | default list) }}
{{- $_ := set $pod.spec $field . }}
{{- end }}
{{- end }}
{{- range concat ($pod.spec.initContainers | default list) $pod.spec.containers }}
{{- include "ratchet.containerExtras" (dict "container" . "own" $own "all" $all) }}
{{- end }}
{{- toYaml $pod }}
{{- end }}

{{/* Adds them to a container, in place; a variable of extraEnv takes the place of the chart's of that name. */}}
{{- define "ratchet.containerExtras" -}}
{{- $variables := dict }}
{{- $order := list }}
{{- range concat (.container.env | default list) (.all.extraEnv | default list) (.own.extraEnv | default list) }}
{{- $order = without $order .name }}
{{- $order = append $order .name }}
{{- $_ := set $variables .name . }}
{{- end }}
{{- $env := list }}
{{- range $order }}
{{- $env = append $env (get $variables .) }}
{{- end }}
{{- with $env }}
{{- $_ := set $.container "env" . }}
{{- end }}
{{- with concat (.container.volumeMounts | default list) (.all.extraVolumeMounts | default list) (.own.extraVolumeMounts | default list) }}
{{- $_ := set $.container "volumeMounts" . }}
{{- end }}
{{- end }}
