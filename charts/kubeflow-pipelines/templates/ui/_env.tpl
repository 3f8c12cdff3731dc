{{- define "kfp.uiEnv" -}}
{{- $store := .Values.objectStore }}
{{- $address := splitList ":" (include "kfp.s3" .) }}
{{- $port := last (append (list (ternary "443" "80" $store.secure)) (rest $address | first) | compact) -}}
- {name: ML_PIPELINE_SERVICE_HOST, value: {{ include "kfp.names.apiServer" . }}}
- {name: ML_PIPELINE_SERVICE_PORT, value: "8888"}
- {name: FRONTEND_SERVER_NAMESPACE, value: {{ .Release.Namespace }}}
- {name: MINIO_HOST, value: {{ first $address | quote }}}
- {name: MINIO_PORT, value: {{ $port | quote }}}
- {name: MINIO_SSL, value: {{ $store.secure | toString | quote }}}
# the host stands in full
- {name: MINIO_NAMESPACE, value: ""}
- {name: MINIO_ACCESS_KEY, valueFrom: {secretKeyRef: {name: {{ $store.existingSecret }}, key: {{ $store.accessKey }}}}}
- {name: MINIO_SECRET_KEY, valueFrom: {secretKeyRef: {name: {{ $store.existingSecret }}, key: {{ $store.secretKey }}}}}
- {name: ARGO_ARCHIVE_LOGS, value: "true"}
- {name: ARGO_ARCHIVE_BUCKETNAME, value: {{ $store.bucket | quote }}}
- {name: ARGO_KEYFORMAT, value: {{ include "kfp.logKey" . | quote }}}
{{- end }}
