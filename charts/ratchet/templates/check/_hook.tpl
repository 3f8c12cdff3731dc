{{/* Objects of the check: there before anything of an install or upgrade is, gone when it is fine. */}}
{{- define "ratchet.checkHook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* Empty where it is switched off. `helm upgrade --reuse-values` on a release of an older chart has no section `check`. */}}
{{- define "ratchet.checked" -}}
{{- if dig "check" "enabled" true .Values.AsMap }}yes{{ end }}
{{- end }}
