{{- define "ratchet.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: ratchet
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "ratchet.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "ratchet.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ . }}}
  {{- end }}
{{- end }}
{{- end }}

{{- define "ratchet.imageName" -}}
{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "ratchet.image" -}}
image: {{ include "ratchet.imageName" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{- define "ratchet.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "ratchet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "ratchet.paths" -}}
- {name: RATCHET_PROJECT, value: /etc/ratchet/ratchet.yaml}
- {name: RATCHET_HOME, value: /var/lib/ratchet}
{{- end }}

{{- define "ratchet.mounts" -}}
- {name: project, mountPath: /etc/ratchet, readOnly: true}
- {name: home, mountPath: /var/lib/ratchet}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "ratchet.volumes" -}}
- {name: project, configMap: {name: {{ .Release.Name }}-project}}
- {name: home, emptyDir: {}}
- {name: tmp, emptyDir: {}}
{{- end }}

{{/* Namespaces that steps run in: this one, and Kubeflow's where it has its own. */}}
{{- define "ratchet.stepNamespaces" -}}
{{- $own := .Values.kubeflow.namespace | default .Release.Namespace }}
{{- list .Release.Namespace $own | uniq | join " " }}
{{- end }}

{{/* Environment of whatever acts as the promoter: all addresses, what it may move, and where Kubeflow is. */}}
{{- define "ratchet.promoterEnv" -}}
envFrom:
  - secretRef: {name: {{ .Values.connections.secret }}}
  - configMapRef: {name: {{ .Release.Name }}-pipeline}
env:
  - {name: RATCHET_ACTOR, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  - {name: RATCHET_KFP_IMAGE, value: {{ include "ratchet.imageName" . | quote }}}
  {{- with .Values.kubeflow }}
  {{- if .url }}
  - {name: RATCHET_KFP_URL, value: {{ .url | quote }}}
  - {name: RATCHET_KFP_UI_URL, value: {{ .uiUrl | quote }}}
  - {name: RATCHET_KFP_NAMESPACE, value: {{ .namespace | quote }}}
  - {name: RATCHET_KFP_SERVICE_ACCOUNT, value: {{ .serviceAccount }}}
  - {name: RATCHET_KFP_CONNECTIONS, value: {{ $.Values.connections.secret }}}
  - {name: RATCHET_KFP_SETTINGS, value: {{ $.Release.Name }}-pipeline}
  - {name: RATCHET_KFP_PROJECT, value: {{ $.Release.Name }}-project}
  - {name: RATCHET_KFP_TIMEOUT, value: {{ .taskSeconds | quote }}}
  {{- with $.Values.pipeline.resources }}
  - {name: RATCHET_KFP_CPU_REQUEST, value: {{ dig "requests" "cpu" "200m" . | quote }}}
  - {name: RATCHET_KFP_MEMORY_REQUEST, value: {{ dig "requests" "memory" "1Gi" . | quote }}}
  - {name: RATCHET_KFP_MEMORY_LIMIT, value: {{ dig "limits" "memory" "4Gi" . | quote }}}
  {{- end }}
  {{- if .tokenSecret }}
  - {name: RATCHET_KFP_TOKEN_FILE, value: /etc/ratchet-kubeflow/token/token}
  {{- end }}
  {{- if .caSecret }}
  - {name: RATCHET_KFP_CA_FILE, value: /etc/ratchet-kubeflow/ca/ca.crt}
  {{- end }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* What promoterEnv names, beside the volumes of every pod. */}}
{{- define "ratchet.promoterMounts" -}}
{{- include "ratchet.mounts" . }}
{{- range $name, $secret := dict "token" .Values.kubeflow.tokenSecret "ca" .Values.kubeflow.caSecret }}
{{- if and $secret $.Values.kubeflow.url }}
- {name: kubeflow-{{ $name }}, mountPath: /etc/ratchet-kubeflow/{{ $name }}, readOnly: true}
{{- end }}
{{- end }}
{{- end }}

{{- define "ratchet.promoterVolumes" -}}
{{- include "ratchet.volumes" . }}
{{- range $name, $secret := dict "token" .Values.kubeflow.tokenSecret "ca" .Values.kubeflow.caSecret }}
{{- if and $secret $.Values.kubeflow.url }}
- {name: kubeflow-{{ $name }}, secret: {secretName: {{ $secret }}}}
{{- end }}
{{- end }}
{{- end }}

{{/* Spec of an Ingress: `ingress` is the section of the values, `service` the name of what it leads to. */}}
{{- define "ratchet.ingressSpec" -}}
{{- with .ingress.className }}
ingressClassName: {{ . }}
{{- end }}
rules:
  - host: {{ .ingress.host }}
    http:
      paths:
        - {path: /, pathType: Prefix, backend: {service: {name: {{ .service }}, port: {name: http}}}}
{{- with .ingress.tlsSecret }}
tls: [{hosts: [{{ $.ingress.host }}], secretName: {{ . }}}]
{{- end }}
{{- end }}
