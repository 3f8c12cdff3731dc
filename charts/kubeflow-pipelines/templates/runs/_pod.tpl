{{/* Where the pods of runs go and what they are labelled with, by Argo's names for it. */}}
{{- define "kfp.runsPod" -}}
{{- $pod := include "kfp.podTemplate" (dict "name" "kfp.runs.pod" "own" .Values.runs.pod "root" .) | fromYaml }}
{{- $asked := pick $pod.spec "nodeSelector" "tolerations" "affinity" }}
{{- with $pod.spec.priorityClassName }}
{{- $_ := set $asked "podPriorityClassName" . }}
{{- end }}
{{- with pick $pod.metadata "labels" "annotations" }}
{{- $_ := set $asked "podMetadata" . }}
{{- end }}
{{- with $asked }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "kfp.runs.pod" -}}
metadata: {}
spec: {containers: []}
{{- end }}
