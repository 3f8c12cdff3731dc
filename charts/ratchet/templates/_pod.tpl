{{/* What every pod has. */}}

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

{{- define "ratchet.mounts" -}}
- {name: project, mountPath: /etc/ratchet, readOnly: true}
- {name: home, mountPath: /var/lib/ratchet}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "ratchet.volumes" -}}
- {name: project, configMap: {name: {{ include "ratchet.names.project" . }}}}
- {name: home, emptyDir: {}}
- {name: tmp, emptyDir: {}}
{{- end }}

{{/* The Secret with the connections of a use: promoter, serving, reader. The argument has use; own, the part's own Secret, where the values
name one; and root. With one role for all that is one Secret for all. A cluster that has the first of them and not this one is that of
an older platform, or of one who writes them himself: said before anything is changed. */}}
{{- define "ratchet.connectionsOf" -}}
{{- $base := .root.Values.connections.secret }}
{{- if .own }}
{{- .own }}
{{- else if include "ratchet.roles" .root }}
{{- $name := printf "%s-%s" $base .use }}
{{- $space := .root.Release.Namespace }}
{{- if and (lookup "v1" "Secret" $space $base) (not (lookup "v1" "Secret" $space $name)) }}
{{- fail (printf "the Secret %s is missing in namespace %s: upgrade the chart platform first, or write it (its README.md, Roles), or set connections.roles=false for one database role that does everything" $name $space) }}
{{- end }}
{{- $name }}
{{- else }}
{{- $base }}
{{- end }}
{{- end }}

{{/* Not empty where each use has a database role of its own. `helm upgrade --reuse-values` on an older release has no such value. */}}
{{- define "ratchet.roles" -}}
{{- if dig "roles" true .Values.connections }}yes{{ end }}
{{- end }}

{{/* Environment variables out of a Secret with connections; the argument has names, a list; may, a list of those that a Secret need not
have; secret; and root. Whoever asks MLflow gets the login of one that wants it. */}}
{{- define "ratchet.connections" -}}
{{- $secret := .secret }}
{{- range .names }}
- {name: {{ . }}, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}}}}
{{- end }}
{{- $login := ternary (list "MLFLOW_TRACKING_USERNAME" "MLFLOW_TRACKING_PASSWORD" "MLFLOW_TRACKING_TOKEN") list (has "RATCHET_TRACKING_URI" .names) }}
{{- range concat (.may | default list) $login }}
- {name: {{ . }}, valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}, optional: true}}}
{{- end }}
{{- end }}

{{/* A pod with this annotation is started anew with other settings, or another project. */}}
{{- define "ratchet.checksum" -}}
checksum/settings: {{ printf "%s%s%s" (include "ratchet.settings" .) .Values.project (.Values.featureStore | default "") | sha256sum }}
{{- end }}
