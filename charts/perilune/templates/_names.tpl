{{/* Names, labels and image references that several templates use. */}}

{{- define "perilune.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "perilune.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "perilune.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "perilune.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "perilune.selectorLabels" -}}
app.kubernetes.io/name: {{ include "perilune.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "perilune.labels" -}}
{{ include "perilune.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "perilune.annotations" -}}
{{- with .Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A whole image reference, with its registry replaced by the mirror if there is one. */}}
{{- define "perilune.mirrored" -}}
{{- if .registry }}{{ regexReplaceAll "^[^/]+" .image (trimSuffix "/" .registry) }}{{ else }}{{ .image }}{{ end }}
{{- end }}

{{- define "perilune.image" -}}
{{- $suffix := printf ":%s" (default .Chart.AppVersion .Values.image.tag) }}
{{- if .Values.image.digest }}{{ $suffix = printf "@%s" .Values.image.digest }}{{ end }}
{{- include "perilune.mirrored" (dict "registry" .Values.image.registry "image" (printf "%s%s" .Values.image.repository $suffix)) }}
{{- end }}

{{/* Annotations of an object that a user lists in the values. */}}
{{- define "perilune.itemMeta" -}}
name: {{ .item.name }}
labels:
  {{- include "perilune.labels" .root | nindent 2 }}
  {{- with .item.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $annotations := merge (dict) (default (dict) .item.annotations) .root.Values.commonAnnotations (default (dict) .extra) }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What all sidecars share. */}}
{{- define "perilune.sidecar" -}}
resources:
  {{- toYaml .Values.sidecars.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.controller.containerSecurityContext | nindent 2 }}
volumeMounts:
  - {name: socket, mountPath: /csi}
{{- end }}
