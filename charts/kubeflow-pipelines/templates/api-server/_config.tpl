{{/* The file that replaces the image's own, which turns on an MLflow plugin for another cluster.
After the database's restart the server answers 500 on each connection that it kept: hence their short life. */}}
{{- define "kfp.apiServerConfig" -}}
{
  "DBDriverName": "mysql",
  "DBConfig": {
    "MySQLConfig": {
      "Host": {{ include "kfp.mysqlHost" . | quote }},
      "Port": {{ .Values.mysql.port | toString | quote }},
      "DBName": {{ .Values.mysql.database | quote }},
      "GroupConcatMaxLen": "4194304"
    },
    "ConMaxLifeTime": "30s"
  },
  "ObjectStoreConfig": {
    "Host": {{ include "kfp.s3" . | quote }},
    "Secure": {{ .Values.objectStore.secure }},
    "Region": {{ .Values.objectStore.region | quote }},
    "BucketName": {{ .Values.objectStore.bucket | quote }},
    "PipelinePath": {{ printf "%s/pipelines" .Values.objectStore.prefix | quote }}
  },
  "InitConnectionTimeout": "6m",
  "ARCHIVE_CONFIG_LOG_FILE_NAME": "main.log",
  "ARCHIVE_CONFIG_LOG_PATH_PREFIX": {{ printf "%s/logs" .Values.objectStore.prefix | quote }},
  "DEFAULTPIPELINERUNNERSERVICEACCOUNT": {{ .Values.pipelineRunner.name | quote }},
  "AUTO_UPDATE_PIPELINE_DEFAULT_VERSION": "true",
  "CacheEnabled": {{ .Values.runs.caching | toString | quote }},
  "MULTIUSER": "false"
}
{{- end }}

{{/* What the server reads from the environment alone, and the passwords. */}}
{{- define "kfp.apiServerEnv" -}}
- {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
- {name: DBCONFIG_MYSQLCONFIG_USER, valueFrom: {secretKeyRef: {name: {{ include "kfp.names.mysqlSecret" . }}, key: username}}}
- {name: DBCONFIG_MYSQLCONFIG_PASSWORD, valueFrom: {secretKeyRef: {name: {{ include "kfp.names.mysqlSecret" . }}, key: password}}}
- {name: OBJECTSTORECONFIG_ACCESSKEY, valueFrom: {secretKeyRef: {name: {{ .Values.objectStore.existingSecret }}, key: {{ .Values.objectStore.accessKey }}}}}
- {name: OBJECTSTORECONFIG_SECRETACCESSKEY, valueFrom: {secretKeyRef: {name: {{ .Values.objectStore.existingSecret }}, key: {{ .Values.objectStore.secretKey }}}}}
- {name: CLUSTER_DOMAIN, value: {{ .Values.clusterDomain }}}
- {name: V2_DRIVER_IMAGE, value: {{ include "kfp.reference" (dict "image" .Values.runs.driver.image "root" .) | quote }}}
- {name: V2_LAUNCHER_IMAGE, value: {{ include "kfp.reference" (dict "image" .Values.runs.launcher.image "root" .) | quote }}}
- {name: PUBLISH_LOGS, value: "true"}
{{- with .Values.runs.user }}
- {name: DEFAULT_SECURITY_CONTEXT_RUN_AS_USER, value: {{ . | toString | quote }}}
- {name: DEFAULT_SECURITY_CONTEXT_RUN_AS_GROUP, value: {{ . | toString | quote }}}
- {name: DEFAULT_SECURITY_CONTEXT_RUN_AS_NON_ROOT, value: "true"}
{{- end }}
# there is no visualization server, and without an address for one the API server does not start
- {name: ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_HOST, value: none.invalid}
- {name: ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_PORT, value: "8888"}
{{- end }}
