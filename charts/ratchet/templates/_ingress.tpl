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
