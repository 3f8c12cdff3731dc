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
              - endpoint: {address: {socket_address: {address: {{ include "kfp.names.metadataService" . }}, port_value: 8080}}}
{{- end }}
