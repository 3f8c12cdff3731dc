{{/* What the pods of backup and restore share. */}}
{{- define "platform.backup.spec" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 5
securityContext: {{- include "platform.podSecurity" 65532 | nindent 2 }}
{{- include "platform.pullSecrets" . | nindent 0 }}
volumes:
  - {name: backups, persistentVolumeClaim: {claimName: {{ .Values.backup.existingClaim | default (include "platform.names.backup" .) }}}}
  - {name: programs, configMap: {name: {{ include "platform.names.backup" . }}}}
  - {name: tmp, emptyDir: {}}
{{- end }}

{{- define "platform.backup.mounts" -}}
- {name: backups, mountPath: /backups}
- {name: programs, mountPath: /etc/backup}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{/* A container with PostgreSQL's programs; the argument has program, backup and root. */}}
{{- define "platform.backup.postgres" -}}
name: postgres
{{- include "platform.image" (dict "image" .root.Values.postgres.image "root" .root) | nindent 0 }}
command: [sh, /etc/backup/{{ .program }}]
securityContext: {{- include "platform.containerSecurity" .root | nindent 2 }}
env:
  - {name: BACKUPS, value: /backups}
  - {name: BACKUP, value: {{ .backup | quote }}}
  # the ledger first: a version that it names was registered before, and is in the copy
  - {name: DATABASES, value: ratchet mlflow}
  - {name: PGHOST, value: {{ include "platform.names.postgres" .root }}}
  - {name: PGUSER, value: postgres}
  - {name: PGSSLMODE, value: {{ include "platform.sslmode" .root }}}
  - {name: PGPASSWORD, valueFrom: {secretKeyRef: {name: {{ include "platform.names.credentials" .root }}, key: postgres-password}}}
resources: {{- toYaml .root.Values.backup.resources | nindent 2 }}
volumeMounts: {{- include "platform.backup.mounts" .root | nindent 2 }}
{{- end }}

{{/* A container with boto3; the argument has arguments, a list, secret, whose S3 keys it is, and root. */}}
{{- define "platform.backup.objects" -}}
name: objects
{{- include "platform.image" (dict "image" .root.Values.image "root" .root) | nindent 0 }}
command: [python, -P, /etc/backup/objects.py]
args: {{ toJson .arguments }}
securityContext: {{- include "platform.containerSecurity" .root | nindent 2 }}
env:
  - {name: BACKUPS, value: /backups}
  - {name: BUCKET, value: {{ .root.Values.s3.bucket | quote }}}
  - {name: KEEP, value: {{ .root.Values.backup.keep | int64 | quote }}}
  {{- include "platform.s3Env" (dict "secret" .secret "root" .root) | nindent 2 }}
resources: {{- toYaml .root.Values.backup.resources | nindent 2 }}
volumeMounts: {{- include "platform.backup.mounts" .root | nindent 2 }}
{{- end }}
