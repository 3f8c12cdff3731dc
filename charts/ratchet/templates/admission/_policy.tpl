{{/* Not empty where the cluster has the API: since Kubernetes 1.30, or where it says so. Without a cluster helm knows its version alone. */}}
{{- define "ratchet.admission" -}}
{{- $known := .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" }}
{{- $new := semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version }}
{{- ternary "on" "" (and (dig "admission" "enabled" true .Values.AsMap) (or $known $new)) }}
{{- end }}

{{/* Who is bounded, in CEL: whoever may patch the Deployment by the promoter's Role. */}}
{{- define "ratchet.admission.who" -}}
{{- $who := list (printf "request.userInfo.username == 'system:serviceaccount:%s:%s'" .Release.Namespace (include "ratchet.names.promoter" .)) }}
{{- with .Values.kubeflow }}
{{- if .url }}
{{- $who = append $who (printf "request.userInfo.username == 'system:serviceaccount:%s:%s'" (.namespace | default $.Release.Namespace) .serviceAccount) }}
{{- end }}
{{- end }}
{{- range .Values.promoter.extraSubjects }}
{{- if eq .kind "ServiceAccount" }}
{{- $who = append $who (printf "request.userInfo.username == 'system:serviceaccount:%s:%s'" (.namespace | default $.Release.Namespace) .name) }}
{{- else if eq .kind "User" }}
{{- $who = append $who (printf "request.userInfo.username == '%s'" (.name | replace "\\" "\\\\" | replace "'" "\\'")) }}
{{- else }}
{{- $who = append $who (printf "'%s' in request.userInfo.groups" (.name | replace "\\" "\\\\" | replace "'" "\\'")) }}
{{- end }}
{{- end }}
{{- join " || " $who }}
{{- end }}

{{/* That a map is the same but for keys of ours, in CEL; the argument is two names of variables. */}}
{{- define "ratchet.admission.sameButOurs" -}}
{{- $ours := "k.startsWith('ratchet.dev/')" -}}
variables.{{ .before }}.all(k, {{ $ours }} || (k in variables.{{ .after }} && variables.{{ .after }}[k] == variables.{{ .before }}[k])) && variables.{{ .after }}.all(k, {{ $ours }} || k in variables.{{ .before }})
{{- end }}
