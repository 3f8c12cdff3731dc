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

{{- define "ratchet.image" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
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

{{/* Environment of whatever acts as the promoter: all addresses, and what it may move. */}}
{{- define "ratchet.promoterEnv" -}}
envFrom:
  - secretRef: {name: {{ .Values.connections.secret }}}
env:
  {{- include "ratchet.paths" . | nindent 2 }}
  - {name: RATCHET_DEPLOYMENT, value: {{ .Release.Name }}-serving}
  - {name: RATCHET_LEASE, value: {{ .Release.Name }}-promotion}
  - {name: RATCHET_SERVING_URL, value: "http://{{ .Release.Name }}-serving:3000"}
  - {name: RATCHET_READY_TIMEOUT, value: {{ .Values.promoter.readySeconds | quote }}}
  - {name: RATCHET_LOCK_TIMEOUT, value: {{ .Values.promoter.lockSeconds | quote }}}
  - {name: RATCHET_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
  - {name: RATCHET_ACTOR, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
{{- end }}
