{{- define "kfp.uiEnv" -}}
{{- $store := .Values.objectStore }}
{{- $address := splitList ":" (include "kfp.s3" .) }}
{{- $port := last (append (list (ternary "443" "80" $store.secure)) (rest $address | first) | compact) -}}
- {name: ML_PIPELINE_SERVICE_HOST, value: ml-pipeline}
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

{{- define "kfp.metadataProxy" -}}
# gRPC-Web of a browser, handed on by the pages' server, to gRPC of the metadata server
static_resources:
  listeners:
    - name: pages
      # the pages' server alone asks, in the same pod
      address: {socket_address: {address: 127.0.0.1, port_value: 9090}}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: pages
                route_config:
                  virtual_hosts:
                    - name: metadata
                      domains: ["*"]
                      routes: [{match: {prefix: /}, route: {cluster: metadata, timeout: 60s}}]
                http_filters:
                  - name: envoy.filters.http.grpc_web
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb}
                  - name: envoy.filters.http.router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
    - name: metadata
      type: STRICT_DNS
      connect_timeout: 5s
      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: {http2_protocol_options: {}}
      load_assignment:
        cluster_name: metadata
        endpoints:
          - lb_endpoints:
              - endpoint: {address: {socket_address: {address: metadata-grpc-service, port_value: 8080}}}
{{- end }}
