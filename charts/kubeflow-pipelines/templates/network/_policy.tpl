{{/* Who reaches a part. The argument has part, its label; port, the name or number; from, peers as YAML; more, those of the values; and root. */}}
{{- define "kfp.networkPolicy" -}}
{{- $labels := dict "name" .part "root" .root -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  labels: {{- include "kfp.labels" $labels | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "kfp.selector" $labels | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports:
        {{- range .ports }}
        - {port: {{ . }}}
        {{- end }}
      from:
        {{- .from | nindent 8 }}
        {{- with .more }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end }}

{{/* Pods of this release; the argument has parts, a list of labels, and root. */}}
{{- define "kfp.peers.own" -}}
- podSelector:
    matchLabels: {app.kubernetes.io/instance: {{ .root.Release.Name }}, app.kubernetes.io/part-of: ratchet}
    matchExpressions: [{key: app.kubernetes.io/name, operator: In, values: [{{ join ", " .parts }}]}]
{{- end }}

{{/* Pods of the ratchet chart's releases, here and in the namespaces that are named; the argument has parts and root. */}}
{{- define "kfp.peers.ratchet" -}}
- namespaceSelector: {{- include "kfp.peers.namespaces" .root | nindent 4 }}
  podSelector:
    matchLabels: {app.kubernetes.io/part-of: ratchet}
    matchExpressions: [{key: app.kubernetes.io/name, operator: In, values: [{{ join ", " .parts }}]}]
{{- end }}

{{/* Pods of runs on Kubeflow: Argo labels each of them. */}}
{{- define "kfp.peers.runs" -}}
- namespaceSelector: {{- include "kfp.peers.namespaces" . | nindent 4 }}
  podSelector: {matchExpressions: [{key: workflows.argoproj.io/workflow, operator: Exists}]}
{{- end }}

{{- define "kfp.peers.namespaces" -}}
matchExpressions:
  - {key: kubernetes.io/metadata.name, operator: In, values: [{{ concat (list .Release.Namespace) (dig "networkPolicy" "namespaces" list .Values.AsMap) | uniq | join ", " }}]}
{{- end }}

{{/* Nobody reaches a pod of this release unless another policy says so. */}}
{{- define "kfp.networkPolicy.deny" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "kfp.fullname" . }}-deny
  labels: {{- include "kfp.labels" (dict "name" "network" "root" .) | nindent 4 }}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/instance: {{ .Release.Name }}, app.kubernetes.io/part-of: ratchet}}
  policyTypes: [Ingress]
  ingress: []
{{- end }}

{{/* Not empty where policies are wanted. `helm upgrade --reuse-values` on a release of an older chart has no section networkPolicy. */}}
{{- define "kfp.networkPolicies" -}}
{{- ternary "on" "" (dig "networkPolicy" "enabled" true .Values.AsMap) }}
{{- end }}
