{{/* Rights in the release's namespace only. */}}
{{- define "kfp.apiServerRules" -}}
- {apiGroups: [""], resources: [pods], verbs: [get, list, delete]}
- {apiGroups: [""], resources: [configmaps], resourceNames: [kfp-launcher], verbs: [get]}
- {apiGroups: [argoproj.io], resources: [workflows], verbs: [create, get, list, watch, update, patch, delete]}
- {apiGroups: [kubeflow.org], resources: [scheduledworkflows], verbs: [create, get, list, update, patch, delete]}
# an owner's finalizers: asked for where owner references are enforced
- {apiGroups: [kubeflow.org], resources: [scheduledworkflows/finalizers], verbs: [update]}
{{- end }}
{{- define "kfp.persistenceAgentRules" -}}
- {apiGroups: [argoproj.io], resources: [workflows], verbs: [get, list, watch]}
- {apiGroups: [kubeflow.org], resources: [scheduledworkflows], verbs: [get, list, watch]}
{{- end }}
{{- define "kfp.scheduledWorkflowRules" -}}
- {apiGroups: [argoproj.io], resources: [workflows], verbs: [create, get, list, watch]}
- {apiGroups: [kubeflow.org], resources: [scheduledworkflows], verbs: [get, list, watch, update]}
- {apiGroups: [""], resources: [events], verbs: [create, patch]}
{{- end }}
{{- define "kfp.uiRules" -}}
- {apiGroups: [""], resources: [pods, pods/log], verbs: [get]}
- {apiGroups: [""], resources: [events], verbs: [list]}
- {apiGroups: [""], resources: [secrets], resourceNames: [{{ .Values.objectStore.existingSecret }}], verbs: [get]}
- {apiGroups: [argoproj.io], resources: [workflows], verbs: [get, list]}
{{- end }}
{{- define "kfp.pipelineRunnerRules" -}}
- {apiGroups: [""], resources: [configmaps], resourceNames: [kfp-launcher], verbs: [get]}
- {apiGroups: [""], resources: [secrets], resourceNames: [{{ .Values.objectStore.existingSecret }}], verbs: [get]}
- {apiGroups: [argoproj.io], resources: [workflowtaskresults], verbs: [create, patch]}
# which try a task is at, and the time that a recurring run was due
- {apiGroups: [""], resources: [pods], verbs: [get]}
- {apiGroups: [argoproj.io], resources: [workflows], verbs: [get]}
{{- end }}
{{- define "kfp.workflowControllerRules" -}}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]}
- {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [workflow-controller], verbs: [get, update]}
- {apiGroups: [""], resources: [pods], verbs: [create, get, list, watch, update, patch, delete]}
# how it ends a container
- {apiGroups: [""], resources: [pods/exec], verbs: [create]}
- {apiGroups: [""], resources: [configmaps], verbs: [get, list, watch]}
- {apiGroups: [""], resources: [events], verbs: [create, patch]}
- {apiGroups: [argoproj.io], resources: [workflows, workflowtasksets, workflowartifactgctasks], verbs: [create, get, list, watch, update, patch, delete]}
- {apiGroups: [argoproj.io], resources: [workflows/finalizers, workflowtasksets/finalizers], verbs: [update]}
- {apiGroups: [argoproj.io], resources: [workflowtasksets/status, workflowartifactgctasks/status], verbs: [patch, update]}
- {apiGroups: [argoproj.io], resources: [workflowtemplates, cronworkflows], verbs: [get, list, watch]}
- {apiGroups: [argoproj.io], resources: [workflowtaskresults], verbs: [get, list, watch, deletecollection]}
{{- end }}
