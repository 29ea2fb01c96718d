{{/* Labels by which the pods are chosen; they can never change. */}}
{{- define "netweave.selector" -}}
app: {{ .Values.name }}
app.kubernetes.io/name: netweave-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "netweave.labels" -}}
{{ include "netweave.selector" . }}
app.kubernetes.io/component: gateway
app.kubernetes.io/part-of: netweave
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Name, namespace and labels of an object: (list context suffix). */}}
{{- define "netweave.metadata" -}}
{{- $root := index . 0 -}}
name: {{ $root.Values.name }}{{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "netweave.labels" $root | nindent 2 }}
{{- end }}

{{/* The image: by its digest if there is one. */}}
{{- define "netweave.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end }}

{{/* The Service's name inside the cluster. */}}
{{- define "netweave.host" -}}
{{ .Values.name }}.{{ .Release.Namespace }}.svc.cluster.local
{{- end }}

{{/* Whether the pod asks the API server as itself: a backend `kubernetes` without a kubeconfig. Empty if not. */}}
{{- define "netweave.inCluster" -}}
{{- range .Values.config.backends -}}
{{- if and (eq .kind "kubernetes") (not .kubeconfig) -}}yes{{- end -}}
{{- end -}}
{{- end }}

{{/* The fewest pods that there are. */}}
{{- define "netweave.pods" -}}
{{- if .Values.autoscaling.enabled }}{{ .Values.autoscaling.min }}{{ else }}{{ .Values.replicas }}{{ end -}}
{{- end }}

{{/* Seconds until a pod that was asked to end is killed. */}}
{{- define "netweave.termination" -}}
{{- $needed := add .Values.shutdown.preStop .Values.shutdown.delay .Values.shutdown.grace -}}
{{- .Values.shutdown.termination | default (add $needed 10) | int -}}
{{- end }}
