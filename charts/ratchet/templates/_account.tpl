{{/* Account, Role and RoleBinding of a pod that looks and moves nothing; the argument has name, label and root. */}}
{{- define "ratchet.reader.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  labels: {{- include "ratchet.labels" (dict "name" .label "root" .root) | nindent 4 }}
automountServiceAccountToken: false
{{- end }}

{{- define "ratchet.reader.role" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  labels: {{- include "ratchet.labels" (dict "name" .label "root" .root) | nindent 4 }}
rules:
  - {apiGroups: [apps], resources: [deployments], resourceNames: [{{ include "ratchet.names.serving" .root }}], verbs: [get]}
  - {apiGroups: [""], resources: [pods], verbs: [get, list]}
{{- end }}

{{- define "ratchet.reader.roleBinding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  labels: {{- include "ratchet.labels" (dict "name" .label "root" .root) | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ .name }}}
subjects: [{kind: ServiceAccount, name: {{ .name }}, namespace: {{ .root.Release.Namespace }}}]
{{- end }}
