{{- /* No agent on nodes that only pose as such, besides what the values say. */}}
{{- define "shoal.agentAffinity" -}}
{{- $affinity := deepCopy .placed.affinity }}
{{- $virtual := list }}
{{- range $label, $kinds := .root.Values.agents.virtualNodes }}
{{- $virtual = append $virtual (dict "key" $label "operator" "NotIn" "values" $kinds) }}
{{- end }}
{{- if $virtual }}
{{- $path := "requiredDuringSchedulingIgnoredDuringExecution" }}
{{- $required := dig "nodeAffinity" $path "nodeSelectorTerms" (list dict) $affinity }}
{{- $terms := list }}
{{- range $required }}
{{- $terms = append $terms (merge (dict "matchExpressions" (concat (default list .matchExpressions) $virtual)) .) }}
{{- end }}
{{- $affinity = mergeOverwrite $affinity (dict "nodeAffinity" (dict $path (dict "nodeSelectorTerms" $terms))) }}
{{- end }}
{{- if $affinity }}{{ toYaml $affinity }}{{ end }}
{{- end }}

{{- define "shoal.nodePorts" -}}
{{- $node := .Values.agents.node }}
{{- if $node.hostNetwork -}}
- { name: registry, containerPort: {{ $node.hostPort }}, hostPort: {{ $node.hostPort }}, hostIP: {{ $node.hostIP }} }
- { name: peer, containerPort: 65002, hostPort: 65002 }
{{- else -}}
- { name: registry, containerPort: 65001, hostPort: {{ $node.hostPort }}, hostIP: {{ $node.hostIP }} }
- { name: peer, containerPort: 65002 }
{{- end }}
{{- end }}

{{- define "shoal.nodeStorage" -}}
{{- $storage := .Values.agents.node.storage -}}
- name: data
  {{- if eq $storage.kind "hostPath" }}
  hostPath: { path: {{ $storage.path }}, type: DirectoryOrCreate }
  {{- else }}
  emptyDir: { sizeLimit: {{ $storage.size }} }
  {{- end }}
{{- if .Values.agents.setup.enabled }}
{{ include "shoal.setupVolumes" . }}
{{- end }}
{{- end }}

{{- define "shoal.cacheStorage" -}}
{{- $storage := .Values.agents.cache.storage -}}
- name: data
  {{- if eq $storage.kind "ephemeral" }}
  ephemeral:
    volumeClaimTemplate:
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $storage.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: { requests: { storage: {{ $storage.size }} } }
  {{- else }}
  emptyDir: { sizeLimit: {{ $storage.size }} }
  {{- end }}
{{- end }}

{{- define "shoal.setupVolumes" -}}
- name: engine-config
  hostPath: { path: {{ .Values.agents.setup.configFolder }}, type: DirectoryOrCreate }
- name: setup-state
  hostPath: { path: {{ .Values.agents.setup.stateFolder }}, type: DirectoryOrCreate }
{{- end }}

{{- /* A container that changes the config of containerd on the node: dict root, name, flags. */}}
{{- define "shoal.setupContainer" -}}
- name: {{ .name }}
  image: {{ include "shoal.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: {{ toJson (concat (list "setup" "containerd" "--root" "/host") .flags) }}
  securityContext: {{- include "shoal.rootSecurity" (list "DAC_OVERRIDE" "FOWNER" "CHOWN") | nindent 4 }}
  resources:
    requests: { cpu: 50m, memory: 96Mi }
    limits: { memory: 256Mi }
  volumeMounts:
    - { name: engine-config, mountPath: /host/etc/containerd }
    - { name: setup-state, mountPath: /host/var/lib/shoal }
{{- end }}

{{- define "shoal.setupFlags" -}}
{{- $flags := list "--agent" (printf "http://%s:%v" .Values.agents.node.hostIP .Values.agents.node.hostPort) }}
{{- range include "shoal.ownNames" . | fromJsonArray }}
{{- $flags = concat $flags (list "--own" .) }}
{{- end }}
{{- range .Values.upstreams }}
{{- if eq . "*" }}
{{- $flags = append $flags "--all" }}
{{- else if contains "*" . }}
{{- fail (printf "agents.setup: containerd knows no pattern %q; name the hosts in upstreams, or \"*\"" .) }}
{{- else }}
{{- $flags = concat $flags (list "--registry" .) }}
{{- end }}
{{- end }}
{{- toJson (concat $flags (list "--fallback" .Values.agents.setup.fallback)) }}
{{- end }}

{{- define "shoal.nodeInit" -}}
{{- if eq .Values.agents.node.storage.kind "hostPath" }}
- name: own-folder
  image: {{ include "shoal.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [/usr/local/bin/node, -e, "fs.chownSync('/var/lib/shoal', 10001, 10001)"]
  securityContext: {{- include "shoal.rootSecurity" (list "CHOWN") | nindent 4 }}
  resources:
    requests: { cpu: 50m, memory: 64Mi }
    limits: { memory: 128Mi }
  volumeMounts:
    - { name: data, mountPath: /var/lib/shoal }
{{- end }}
{{- if .Values.agents.setup.enabled }}
{{ include "shoal.setupContainer" (dict "root" . "name" "set-up" "flags" (include "shoal.setupFlags" . | fromJsonArray)) }}
{{- end }}
{{- end }}
