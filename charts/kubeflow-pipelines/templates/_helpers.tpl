{{- define "kfp.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: ratchet
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "kfp.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* An image's full name; the argument has image and root. */}}
{{- define "kfp.reference" -}}
{{ .image.repository }}{{ with .image.digest }}@{{ . }}{{ else }}:{{ .image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "kfp.image" -}}
image: {{ include "kfp.reference" . | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- end }}

{{/* Of a pod; the argument has user, its number, and root. */}}
{{- define "kfp.pod" -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ . }}}
  {{- end }}
{{- end }}
{{- end }}

{{- define "kfp.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* ServiceAccount, Role and RoleBinding of one name; the argument has name, label, rules (YAML) and root,
and token where the pods do not ask for one themselves. */}}
{{- define "kfp.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  labels: {{- include "kfp.labels" (dict "name" .label "root" .root) | nindent 4 }}
  {{- with .annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: {{ .token | default false }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ . }}}
  {{- end }}
{{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  labels: {{- include "kfp.labels" (dict "name" .label "root" .root) | nindent 4 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  labels: {{- include "kfp.labels" (dict "name" .label "root" .root) | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ .name }}}
subjects:
  - {kind: ServiceAccount, name: {{ .name }}, namespace: {{ .root.Release.Namespace }}}
{{- end }}

{{- define "kfp.s3" -}}
{{ .Values.objectStore.endpoint | default (printf "platform-s3.%s:7070" .Release.Namespace) }}
{{- end }}

{{- define "kfp.mysqlSecret" -}}
{{ .Values.mysql.existingSecret | default (printf "%s-mysql" .Release.Name) }}
{{- end }}

{{- define "kfp.mysqlHost" -}}
{{ ternary (printf "%s-mysql" .Release.Name) .Values.mysql.host .Values.mysql.enabled }}
{{- end }}

{{/* Where a run's logs go. Argo fills the names in; the API server and the pages look there. */}}
{{- define "kfp.logKey" -}}
{{ .Values.objectStore.prefix }}/logs/{{ "{{workflow.name}}/{{pod.name}}" }}
{{- end }}

{{- define "kfp.check" -}}
{{- if and (not .Values.mysql.enabled) (or (not .Values.mysql.host) (not .Values.mysql.existingSecret)) }}
{{- fail "mysql is off: give the host of your own in mysql.host and the Secret with username and password in mysql.existingSecret" }}
{{- end }}
{{- if and (not .Values.metadata.enabled) (not .Values.metadata.host) }}
{{- fail "metadata is off: give the host of your own ML Metadata server in metadata.host" }}
{{- end }}
{{- end }}
