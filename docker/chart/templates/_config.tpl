{{- /* Members of a ring, as DNS names them: dict root, component. */}}
{{- define "shoal.members" -}}
members:
  dns:
    name: _http._tcp.{{ include "shoal.host" . }}
    scheme: {{ include "shoal.scheme" .root }}
{{- end }}

{{- define "shoal.config.rings" -}}
origins: {{- include "shoal.members" (dict "root" . "component" "origin") | nindent 2 }}
trackers: {{- include "shoal.members" (dict "root" . "component" "tracker") | nindent 2 }}
buildIndexes: {{- include "shoal.members" (dict "root" . "component" "build-index") | nindent 2 }}
{{- end }}

{{- define "shoal.config.tls" -}}
{{- if include "shoal.servesTls" .root }}
tls:
  authorities: [/etc/shoal/tls/ca.crt]
  {{- if .certificate }}
  certificate: /etc/shoal/tls/tls.crt
  key: /etc/shoal/tls/tls.key
  {{- end }}
{{- end }}
{{- end }}

{{- define "shoal.config.backend" -}}
{{- if .Values.backend }}
{{- toYaml .Values.backend }}
{{- else -}}
driver: file
folder: /srv/shoal/backend
{{- end }}
{{- end }}

{{- define "shoal.config.upstreamRules" -}}
{{- with .Values.upstreams }}
upstreams:
{{- range . }}
  - registry: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Hosts in names of images that mean this cluster, as YAML. */}}
{{- define "shoal.ownNames" -}}
{{- $names := .Values.registryNames }}
{{- range $host := list (include "shoal.host" (dict "root" . "component" "proxy")) }}
{{- $names = append $names (printf "%s:%v" $host $.Values.proxy.service.port) }}
{{- end }}
{{- toJson (uniq $names) }}
{{- end }}

{{- /* What a service that joins a manager says of it; how it is reached is in the environment of its pod. */}}
{{- define "shoal.config.join" -}}
{{- if include "shoal.joins" . }}
{{- $url := default (printf "%s://%s:%v" (include "shoal.scheme" .) (include "shoal.host" (dict "root" . "component" "manager")) .Values.manager.service.port) .Values.join.url }}
{{- $open := or (hasPrefix "http:" $url) (not (include "shoal.servesTls" .)) }}
{{- if and $open .Values.join.url (not .Values.join.insecure) }}
{{- fail "join.url: the token or the key of the manager would go over the network in plain HTTP; take https and set tls.mode, or set join.insecure" }}
{{- end }}
manager:
  url: {{ $url }}
  {{- if $open }}
  insecure: true
  {{- end }}
{{- end }}
{{- end }}

{{- define "shoal.config.manager" -}}
{{- $bind := .Values.bindAddress }}
{{- $host := include "shoal.host" (dict "root" . "component" "manager") }}
{{- $short := printf "%s-manager" (include "shoal.fullname" .) }}
{{- $hosts := list $host $short (printf "%s.%s" $short .Release.Namespace) (printf "%s.%s.svc" $short .Release.Namespace) }}
{{- $database := .Values.manager.database }}
{{- $public := default "" .Values.manager.config.publicUrl }}
{{- with $public }}
{{- $hosts = append $hosts (get (urlParse .) "hostname") }}
{{- end }}
http: { bind: {{ printf "%s:59001" $bind | quote }} }
ops: { bind: {{ printf "%s:59003" $bind | quote }}, tls: "off" }
hosts: {{ toJson (uniq $hosts) }}
{{- if include "shoal.joinsOwn" . }}
clusters: { first: { name: {{ default (include "shoal.fullname" .) .Values.join.cluster }} } }
{{- end }}
{{- if hasPrefix "https:" $public }}
people: { sessions: { secure: true } }
{{- end }}
{{- if $database.secret }}
database:
  passwordFile: /etc/shoal/database/password
  {{- if $database.authorityKey }}
  authorities: [/etc/shoal/database/ca.crt]
  {{- end }}
{{- end }}
{{- include "shoal.config.tls" (dict "root" . "certificate" true) }}
{{- end }}

{{- define "shoal.config.origin" -}}
{{- $bind := .Values.bindAddress }}
http: { bind: {{ printf "%s:64001" $bind | quote }} }
peer: { bind: {{ printf "%s:64002" $bind | quote }}, tls: "off" }
ops: { bind: {{ printf "%s:64003" $bind | quote }}, tls: "off" }
{{- if include "shoal.joins" . }}
admin: { bind: {{ printf "%s:64004" $bind | quote }} }
{{- end }}
{{- include "shoal.config.join" . }}
hosts: [{{ printf "*.%s" (include "shoal.host" (dict "root" . "component" "origin")) | quote }}]
store: { capacity: {{ .Values.origins.storage.capacity | quote }} }
backends:
  - repository: "*"
    backend: {{- include "shoal.config.backend" . | nindent 6 }}
{{- include "shoal.config.upstreamRules" . }}
{{ include "shoal.config.rings" . }}
{{- include "shoal.config.tls" (dict "root" . "certificate" true) }}
{{- end }}

{{- define "shoal.config.tracker" -}}
{{- $bind := .Values.bindAddress }}
http: { bind: {{ printf "%s:63001" $bind | quote }} }
ops: { bind: {{ printf "%s:63003" $bind | quote }}, tls: "off" }
{{- if or (include "shoal.opensTrackers" .) (include "shoal.joins" .) }}
admin: { bind: {{ printf "%s:63004" $bind | quote }} }
{{- end }}
{{- include "shoal.config.join" . }}
hosts: [{{ printf "*.%s" (include "shoal.host" (dict "root" . "component" "tracker")) | quote }}]
{{ include "shoal.config.rings" . }}
{{- include "shoal.config.tls" (dict "root" . "certificate" true) }}
{{- end }}

{{- define "shoal.config.build-index" -}}
{{- $bind := .Values.bindAddress }}
http: { bind: {{ printf "%s:62001" $bind | quote }} }
ops: { bind: {{ printf "%s:62003" $bind | quote }}, tls: "off" }
{{- if include "shoal.joins" . }}
admin: { bind: {{ printf "%s:62004" $bind | quote }} }
{{- end }}
{{- include "shoal.config.join" . }}
hosts: [{{ printf "*.%s" (include "shoal.host" (dict "root" . "component" "build-index")) | quote }}]
folder: data/build-index
backend: {{- include "shoal.config.backend" . | nindent 2 }}
{{- include "shoal.config.upstreamRules" . }}
{{ include "shoal.config.rings" . }}
{{- include "shoal.config.tls" (dict "root" . "certificate" true) }}
{{- end }}

{{- define "shoal.config.proxy" -}}
{{- $bind := .Values.bindAddress }}
registry:
  listener: { bind: {{ printf "%s:5000" $bind | quote }} }
  ownNames: {{ include "shoal.ownNames" . }}
ops: { bind: {{ printf "%s:61003" $bind | quote }}, tls: "off" }
{{ include "shoal.config.rings" . }}
{{- include "shoal.config.tls" (dict "root" . "certificate" true) }}
{{- end }}

{{- define "shoal.config.agent" -}}
{{- $root := .root }}
{{- $bind := $root.Values.bindAddress }}
{{- $shape := index $root.Values.agents .shape }}
{{- $registryHost := $bind }}
{{- $registryPort := 65001 }}
{{- if and (eq .shape "node") $shape.hostNetwork }}
{{- $registryHost = $shape.hostIP }}
{{- $registryPort = $shape.hostPort }}
{{- end }}
registry:
  listener: { bind: {{ printf "%s:%v" $registryHost $registryPort | quote }} }
  anonymous: read
  ownNames: {{ include "shoal.ownNames" $root }}
  upstreams: {{ toJson $root.Values.upstreams }}
peer: { bind: {{ printf "%s:65002" $bind | quote }}, tls: "off" }
ops: { bind: {{ printf "%s:65003" $bind | quote }}, tls: "off" }
store: { capacity: {{ $shape.storage.capacity | quote }} }
{{- if eq .shape "cache" }}
leave: { after: 25s, close: 20s }
{{- end }}
{{ include "shoal.config.rings" $root }}
{{- include "shoal.config.tls" (dict "root" $root "certificate" false) }}
{{- end }}

{{- define "shoal.config.controller" -}}
{{- $bind := .Values.bindAddress }}
ops: { bind: {{ printf "%s:60003" $bind | quote }}, tls: "off" }
kubernetes: { access: cluster }
lease: { name: {{ include "shoal.fullname" . }}-controller }
names:
  owner: {{ include "shoal.fullname" . }}
  labels: {{- include "shoal.selector" (dict "root" . "component" "agent" "shape" "cache") | nindent 4 }}
  trackers:
    {{- range $i := until (int .Values.trackers.replicas) }}
    - {{ include "shoal.scheme" $ }}://{{ include "shoal.fullname" $ }}-tracker-{{ $i }}.{{ include "shoal.host" (dict "root" $ "component" "tracker") }}:63004
    {{- end }}
{{- include "shoal.config.tls" (dict "root" . "certificate" false) }}
{{- end }}

{{- /* The rings that a service has in its config. */}}
{{- define "shoal.unknownRings" -}}
{{- $unknown := dict "origin" (list "buildIndexes") "tracker" list "build-index" (list "buildIndexes") "proxy" (list "trackers") "agent" list "controller" list "manager" list }}
{{- toJson (index $unknown .) }}
{{- end }}

{{- /* The whole config of a service: what the chart sets, and over it what the values say: dict root, component, shape. */}}
{{- define "shoal.config" -}}
{{- $root := .root }}
{{- $own := dict }}
{{- $said := dict }}
{{- if eq .component "agent" }}
{{- $own = include "shoal.config.agent" . | fromYaml }}
{{- $said = mergeOverwrite (deepCopy $root.Values.agents.config) (deepCopy (index $root.Values.agents .shape).config) }}
{{- else }}
{{- $own = include (printf "shoal.config.%s" .component) $root | fromYaml }}
{{- $said = deepCopy .values.config }}
{{- end }}
{{- range include "shoal.unknownRings" .component | fromJsonArray }}
{{- $own = omit $own . }}
{{- end }}
{{- with get $own "Error" }}{{ fail (printf "the config of the %s is no YAML: %v" $.component .) }}{{ end }}
{{- toYaml (mergeOverwrite $own $said) }}
{{- end }}
