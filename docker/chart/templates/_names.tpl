{{- define "shoal.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* Names of objects: at most 40 characters, so that what is added still fits. */}}
{{- define "shoal.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "shoal.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "shoal.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- /* Of a component and, for agents, its shape: dict root, component, shape. */}}
{{- define "shoal.selector" -}}
app.kubernetes.io/name: {{ include "shoal.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- with .shape }}
shoal/shape: {{ . }}
{{- end }}
{{- end }}

{{- define "shoal.labels" -}}
{{ include "shoal.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "shoal.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}

{{- /* The name of an object of a component in the DNS of the cluster: dict root, component. */}}
{{- define "shoal.host" -}}
{{ include "shoal.fullname" .root }}-{{ .component }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end }}

{{- define "shoal.servesTls" -}}
{{- if ne .Values.tls.mode "none" }}true{{ end }}
{{- end }}

{{- define "shoal.scheme" -}}
{{- if include "shoal.servesTls" . }}https{{ else }}http{{ end }}
{{- end }}

{{- /* The Secret with the certificate of a component, or the authority alone: dict root, component. */}}
{{- define "shoal.tlsSecret" -}}
{{- $tls := .root.Values.tls }}
{{- if eq $tls.mode "certManager" }}
{{- include "shoal.fullname" .root }}-{{ .component }}-tls
{{- else if has .component (list "agent" "controller") }}
{{- required "tls.mode secret needs tls.secret, and tls.authoritySecret where agents must not have the other" (default $tls.secret $tls.authoritySecret) }}
{{- else }}
{{- required "tls.mode secret needs tls.secret: the name of a Secret with tls.crt, tls.key and ca.crt" $tls.secret }}
{{- end }}
{{- end }}

{{- define "shoal.runsNodes" -}}
{{- if has .Values.agents.mode (list "node" "both") }}true{{ end }}
{{- end }}

{{- define "shoal.runsCaches" -}}
{{- if has .Values.agents.mode (list "cache" "both") }}true{{ end }}
{{- end }}

{{- /* Blobs and tags are kept in a folder of a volume. */}}
{{- define "shoal.sharesFolder" -}}
{{- if not .Values.backend }}true{{ end }}
{{- end }}

{{- define "shoal.backendClaim" -}}
{{- if .Values.backendVolume.create -}}
{{ include "shoal.fullname" . }}-backend
{{- else -}}
{{ required "without backend and backendVolume.create, backendVolume.existingClaim names the volume where blobs are kept" .Values.backendVolume.existingClaim }}
{{- end }}
{{- end }}

{{- /* What this release runs: the component, the key of its values, and for agents the shape. */}}
{{- define "shoal.components" -}}
- { component: origin, key: origins, shape: "" }
- { component: tracker, key: trackers, shape: "" }
- { component: build-index, key: buildIndexes, shape: "" }
- { component: proxy, key: proxy, shape: "" }
{{- if include "shoal.runsNodes" . }}
- { component: agent, key: agents, shape: node }
{{- end }}
{{- if include "shoal.runsCaches" . }}
- { component: agent, key: agents, shape: cache }
{{- end }}
{{- if .Values.controller.enabled }}
- { component: controller, key: controller, shape: "" }
{{- end }}
{{- if .Values.manager.enabled }}
- { component: manager, key: manager, shape: "" }
{{- end }}
{{- end }}

{{- /* Somebody in the cluster calls the admin listeners of trackers: for loads of caches, or for jobs. */}}
{{- define "shoal.opensTrackers" -}}
{{- if or .Values.controller.enabled (hasKey .Values.proxy.config "preload") }}true{{ end }}
{{- end }}

{{- /* Services of this release join a manager. */}}
{{- define "shoal.joins" -}}
{{- if and .Values.join.enabled (or .Values.join.url .Values.manager.enabled) }}true{{ end }}
{{- end }}

{{- /* They join the manager of this release. */}}
{{- define "shoal.joinsOwn" -}}
{{- if and .Values.join.enabled .Values.manager.enabled (not .Values.join.url) }}true{{ end }}
{{- end }}

{{- /* A component joins: those whose pods have names that stay. dict root, component. */}}
{{- define "shoal.isJoining" -}}
{{- if and (include "shoal.joins" .root) (has .component (list "origin" "tracker" "build-index")) }}true{{ end }}
{{- end }}

{{- /* The database of the manager is a server, which several managers share. */}}
{{- define "shoal.managerShares" -}}
{{- $manager := .Values.manager }}
{{- $database := merge (deepCopy (default dict $manager.secretConfig.database)) (default dict $manager.config.database) }}
{{- if eq (default "libsql" $database.driver) "postgres" }}true{{ end }}
{{- end }}
