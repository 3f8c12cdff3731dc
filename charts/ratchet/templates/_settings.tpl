{{/* Namespaces that steps run in: this one, and Kubeflow's where it has its own. */}}
{{- define "ratchet.stepNamespaces" -}}
{{- $own := .Values.kubeflow.namespace | default .Release.Namespace }}
{{- list .Release.Namespace $own | uniq | join " " }}
{{- end }}

{{- define "ratchet.project" -}}
{{- required "the project is missing: add --set-file project=ratchet.yaml" .Values.project }}
{{- end }}

{{/* Where the project's features are: feast (ours), none, or repository (a Feast repository that exists). */}}
{{- define "ratchet.featureStore" -}}
{{- $kept := get (fromYaml .Values.project) "feature_store" | default "feast" }}
{{- ternary "repository" ($kept | toString) (kindIs "map" $kept) }}
{{- end }}

{{/* What a step is given, beside the addresses in the Secret connections.secret. */}}
{{- define "ratchet.settings" -}}
RATCHET_PROJECT: /etc/ratchet/ratchet.yaml
RATCHET_HOME: /var/lib/ratchet
RATCHET_DATA: {{ .Values.pipeline.data | quote }}
RATCHET_DEPLOYMENT: {{ include "ratchet.names.serving" . }}
RATCHET_NAMESPACE: {{ .Release.Namespace }}
RATCHET_LEASE: {{ include "ratchet.names.lease" . }}
RATCHET_SERVING_URL: http://{{ include "ratchet.names.serving" . }}.{{ .Release.Namespace }}:3000
RATCHET_READY_TIMEOUT: {{ .Values.promoter.readySeconds | quote }}
RATCHET_LOCK_TIMEOUT: {{ .Values.promoter.lockSeconds | quote }}
RATCHET_LEASE_SECONDS: {{ .Values.promoter.leaseSeconds | quote }}
# a step waits for a store or a server that cannot be reached, about a minute in all
RATCHET_STEP_TRIES: "5"
RATCHET_ROWS_PER_POD: {{ .Values.kubeflow.rowsPerPod | int64 | quote }}
{{- end }}
