{{- define "fairlead.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "fairlead.fullname" -}}
{{- $name := include "fairlead.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.selector" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "fairlead.labels" -}}
{{ include "fairlead.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ include "fairlead.name" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "fairlead.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "fairlead.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.scope" -}}
{{- if .Values.controller.scope.enabled -}}
{{- default .Release.Namespace .Values.controller.scope.namespace -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.namespaceSelector" -}}
{{- if not .Values.controller.scope.enabled -}}
{{- .Values.controller.scope.namespaceSelector -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.image" -}}
{{- $image := .Values.controller.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion (toString $image.tag)) -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.subjects" -}}
- kind: ServiceAccount
  name: {{ include "fairlead.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* Whether pods are told by the API server that an Ingress is reached at the Service of this chart. */}}
{{- define "fairlead.publishService" -}}
{{- $publish := .Values.controller.publishService -}}
{{- if and $publish.enabled (or $publish.pathOverride .Values.controller.service.enabled) -}}
{{- default (printf "$(POD_NAMESPACE)/%s" (include "fairlead.fullname" .)) $publish.pathOverride -}}
{{- end -}}
{{- end -}}
