{{- /*
One secret of the cluster: as given, as made at the first install, or made now. What was made is remembered in the values, so
that all objects of one run agree: dict root, name.
*/}}
{{- define "shoal.secret" -}}
{{- $secrets := .root.Values.secrets }}
{{- if and (not (get $secrets .name)) $secrets.generate (ne .name "peering") (not (and (eq .name "join") .root.Values.join.url)) }}
{{- $kept := lookup "v1" "Secret" .root.Release.Namespace (printf "%s-secrets" (include "shoal.fullname" .root)) }}
{{- $old := get (default dict $kept.data) .name }}
{{- $_ := set $secrets .name (ternary ($old | b64dec) (printf "s%s" (randAlphaNum 47)) (ne $old "")) }}
{{- end }}
{{- get $secrets .name }}
{{- end }}

{{- /* Which of them a service has a use for: its own name of each, and that in the values. */}}
{{- define "shoal.secretsOf" -}}
{{- $agent := dict "node" "node" "read" "read" "admin" "agentAdmin" }}
{{- $admin := dict "adminRead" "adminRead" "admin" "admin" }}
{{- $ring := merge (dict "node" "node" "service" "service") $admin }}
{{- $peered := merge (dict "peering" "peering") $ring }}
{{- $proxy := merge (dict "read" "read" "push" "push" "service" "service") $admin }}
{{- toJson (index (dict "agent" $agent "tracker" $ring "origin" $peered "build-index" $peered "proxy" $proxy "controller" $admin "manager" $admin) .) }}
{{- end }}

{{- /* The file of --secrets of a service: dict root, component, values. */}}
{{- define "shoal.secretsFile" -}}
{{- $root := .root }}
{{- $secrets := dict }}
{{- range $own, $name := include "shoal.secretsOf" .component | fromJson }}
{{- with include "shoal.secret" (dict "root" $root "name" $name) }}
{{- $_ := set $secrets $own . }}
{{- end }}
{{- end }}
{{- if not (or $secrets .values.secretConfig.secrets) }}
{{- fail (printf "no secret for the %s: without secrets.generate, give those of `secrets`, or existingSecret of each service" .component) }}
{{- end }}
{{- $file := dict "secrets" $secrets }}
{{- if eq .component "proxy" }}
{{- with include "shoal.secret" (dict "root" $root "name" "upload") }}
{{- $file = set $file "registry" (dict "uploadSecret" .) }}
{{- end }}
{{- end }}
{{- if eq .component "manager" }}
{{- $clusters := dict }}
{{- with include "shoal.secret" (dict "root" $root "name" "seal") }}
{{- $_ := set $clusters "secret" . }}
{{- end }}
{{- if include "shoal.joinsOwn" $root }}
{{- with include "shoal.secret" (dict "root" $root "name" "join") }}
{{- $_ := set $clusters "first" (dict "token" .) }}
{{- end }}
{{- end }}
{{- $file = set $file "clusters" $clusters }}
{{- else if include "shoal.isJoining" (dict "root" $root "component" .component) }}
{{- $token := include "shoal.secret" (dict "root" $root "name" "join") }}
{{- if not (or $token (dig "manager" "token" "" .values.secretConfig) (dig "manager" "tokenFile" "" .values.config)) }}
{{- fail "join needs secrets.join: a join token that the manager has made for this cluster" }}
{{- end }}
{{- with $token }}
{{- $file = set $file "manager" (dict "token" .) }}
{{- end }}
{{- end }}
{{- toYaml (mergeOverwrite $file (deepCopy .values.secretConfig)) }}
{{- end }}

{{- define "shoal.secretName" -}}
{{- default (printf "%s-%s-secrets" (include "shoal.fullname" .root) .component) .values.existingSecret }}
{{- end }}
