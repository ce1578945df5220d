{{- define "fairlead.args" -}}
{{- $controller := .Values.controller -}}
- --controller-class={{ $controller.ingressClassResource.controllerValue }}
- --ingress-class={{ $controller.ingressClass }}
- --http-port={{ $controller.containerPort.http }}
- --https-port={{ $controller.containerPort.https }}
- --healthz-port={{ $controller.metrics.port }}
- --enable-metrics={{ $controller.metrics.enabled }}
- --shutdown-grace-period={{ $controller.shutdownGracePeriod }}
- --drain-timeout={{ $controller.drainTimeout }}
{{- with include "fairlead.publishService" . }}
- --publish-service={{ . }}
{{- end }}
{{- with $controller.electionID }}
- --election-id={{ . }}
{{- end }}
{{- if $controller.config }}
- --configmap=$(POD_NAMESPACE)/{{ include "fairlead.fullname" . }}
{{- end }}
{{- with include "fairlead.scope" . }}
- --watch-namespace={{ . }}
{{- end }}
{{- with include "fairlead.namespaceSelector" . }}
- {{ printf "--watch-namespace-selector=%s" . | quote }}
{{- end }}
{{- if $controller.watchIngressWithoutClass }}
- --watch-ingress-without-class=true
{{- end }}
{{- range $name, $value := $controller.extraArgs }}
{{- /* A whole number that was read as a float is written without an exponent. */}}
{{- if and (kindIs "float64" $value) (eq (toString $value) (toString (float64 (int64 $value)))) }}{{ $value = int64 $value }}{{ end }}
{{- if eq (toString $value) "" }}
- {{ printf "--%s" $name | quote }}
{{- else }}
- {{ printf "--%s=%v" $name $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "fairlead.container" -}}
{{- $controller := .Values.controller -}}
name: fairlead
image: {{ include "fairlead.image" . | quote }}
imagePullPolicy: {{ $controller.image.pullPolicy }}
args:
  {{- include "fairlead.args" . | nindent 2 }}
env:
  - name: POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: POD_NAMESPACE
    valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
  {{- with $controller.extraEnvs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  {{- range $name := list "http" "https" }}
  - name: {{ $name }}
    containerPort: {{ index $controller.containerPort $name }}
    {{- if $controller.hostPort.enabled }}
    hostPort: {{ index $controller.hostPort.ports $name }}
    {{- end }}
  {{- end }}
  - name: admin
    containerPort: {{ $controller.metrics.port }}
{{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
{{- with index $controller $probe }}
{{ $probe }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with $controller.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $controller.image.runAsUser }}
  runAsGroup: {{ $controller.image.runAsGroup }}
  allowPrivilegeEscalation: {{ $controller.image.allowPrivilegeEscalation }}
  readOnlyRootFilesystem: {{ $controller.image.readOnlyRootFilesystem }}
  capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}
{{- end -}}

{{- define "fairlead.podTemplate" -}}
{{- $controller := .Values.controller -}}
metadata:
  labels:
    {{- include "fairlead.labels" . | nindent 4 }}
    {{- with $controller.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if or $controller.podAnnotations $controller.metrics.enabled }}
  annotations:
    {{- if $controller.metrics.enabled }}
    prometheus.io/scrape: "true"
    prometheus.io/port: {{ $controller.metrics.port | quote }}
    {{- end }}
    {{- with $controller.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  serviceAccountName: {{ include "fairlead.serviceAccount" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
  terminationGracePeriodSeconds: {{ $controller.terminationGracePeriodSeconds }}
  {{- if $controller.hostNetwork }}
  hostNetwork: true
  {{- end }}
  dnsPolicy: {{ default (ternary "ClusterFirstWithHostNet" "ClusterFirst" $controller.hostNetwork) $controller.dnsPolicy }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $controller.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- range $field := list "podSecurityContext" "nodeSelector" "tolerations" "affinity" }}
  {{- with index $controller $field }}
  {{ ternary "securityContext" $field (eq $field "podSecurityContext") }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  topologySpreadConstraints:
    {{- if $controller.topologySpreadConstraints }}
    {{- toYaml $controller.topologySpreadConstraints | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "fairlead.selector" . | nindent 10 }}
    {{- end }}
  containers:
    - {{- include "fairlead.container" . | nindent 6 }}
{{- end -}}
