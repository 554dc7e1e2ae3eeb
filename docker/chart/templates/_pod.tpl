{{- define "shoal.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* Of a container that has to change files of the node. */}}
{{- define "shoal.rootSecurity" -}}
runAsNonRoot: false
runAsUser: 0
runAsGroup: 0
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL], add: {{ toJson . }} }
{{- end }}

{{- define "shoal.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- /* Port of the listener that says whether a service is ready. */}}
{{- define "shoal.opsPort" -}}
{{ index (dict "origin" 64003 "tracker" 63003 "build-index" 62003 "proxy" 61003 "agent" 65003 "controller" 60003 "manager" 59003) . }}
{{- end }}

{{- define "shoal.probe" -}}
httpGet: { path: {{ . }}, port: ops }
{{- end }}

{{- /* dict root, component, shape, values, placed (nodeSelector, tolerations, affinity, resources), ports, storage, env, init, more */}}
{{- define "shoal.podTemplate" -}}
{{- $root := .root }}
metadata:
  labels: {{- include "shoal.labels" . | nindent 4 }}
  annotations:
    checksum/config: {{ include "shoal.config" . | sha256sum }}
    {{- if not .values.existingSecret }}
    checksum/secrets: {{ include "shoal.secretsFile" . | sha256sum }}
    {{- end }}
    {{- with .values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "shoal.fullname" $root }}-{{ .component }}
  automountServiceAccountToken: {{ eq .component "controller" }}
  enableServiceLinks: false
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with default (include "shoal.priorityClass" .) .values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if .hostNetwork }}
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  securityContext: {{- include "shoal.podSecurity" . | nindent 4 }}
  terminationGracePeriodSeconds: {{ default 30 .placed.terminationGracePeriodSeconds }}
  {{- with .init }}
  initContainers: {{- . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "shoal.image" $root }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: [{{ .component }}, --config, /etc/shoal/config/config.yaml, --secrets, /etc/shoal/secrets/secrets.yaml]
      securityContext: {{- include "shoal.containerSecurity" . | nindent 8 }}
      {{- with concat (default list .env) .values.extraEnv }}
      env: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if and $root.Values.backendCredentials.secret (eq $root.Values.backendCredentials.as "environment") (has .component (list "origin" "build-index")) }}
      envFrom:
        - secretRef: { name: {{ $root.Values.backendCredentials.secret }} }
      {{- end }}
      ports:
        {{- .ports | nindent 8 }}
        - { name: ops, containerPort: {{ include "shoal.opsPort" .component }} }
      startupProbe:
        {{- include "shoal.probe" "/healthz" | nindent 8 }}
        periodSeconds: 2
        # The first start of a new version may have to change many rows of a manager.
        failureThreshold: {{ ternary 300 60 (eq .component "manager") }}
      readinessProbe:
        {{- include "shoal.probe" "/readyz" | nindent 8 }}
        periodSeconds: 5
        timeoutSeconds: 3
      livenessProbe:
        {{- include "shoal.probe" "/healthz" | nindent 8 }}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      resources: {{- toYaml .placed.resources | nindent 8 }}
      volumeMounts:
        - { name: config, mountPath: /etc/shoal/config, readOnly: true }
        - { name: secrets, mountPath: /etc/shoal/secrets, readOnly: true }
        - { name: data, mountPath: /var/lib/shoal }
        - { name: tmp, mountPath: /tmp }
        {{- if include "shoal.servesTls" $root }}
        - { name: tls, mountPath: /etc/shoal/tls, readOnly: true }
        {{- end }}
        {{- if has .component (list "origin" "build-index") }}
        {{- if include "shoal.sharesFolder" $root }}
        - { name: backend, mountPath: /srv/shoal }
        {{- end }}
        {{- if and $root.Values.backendCredentials.secret (eq $root.Values.backendCredentials.as "files") }}
        - { name: backend-credentials, mountPath: /etc/shoal/backend, readOnly: true }
        {{- end }}
        {{- end }}
        {{- if and (eq .component "manager") .values.database.secret }}
        - { name: database, mountPath: /etc/shoal/database, readOnly: true }
        {{- end }}
        {{- with .values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap: { name: {{ include "shoal.fullname" $root }}-{{ .component }}{{ with .shape }}-{{ . }}{{ end }} }
    - name: secrets
      secret: { secretName: {{ include "shoal.secretName" . }}, defaultMode: 0440 }
    - name: tmp
      emptyDir: {}
    {{- if include "shoal.servesTls" $root }}
    - name: tls
      secret:
        secretName: {{ include "shoal.tlsSecret" . }}
        defaultMode: 0440
        {{- if has .component (list "agent" "controller") }}
        items: [{ key: ca.crt, path: ca.crt }]
        {{- end }}
    {{- end }}
    {{- if has .component (list "origin" "build-index") }}
    {{- if include "shoal.sharesFolder" $root }}
    - name: backend
      persistentVolumeClaim: { claimName: {{ include "shoal.backendClaim" $root }} }
    {{- end }}
    {{- if and $root.Values.backendCredentials.secret (eq $root.Values.backendCredentials.as "files") }}
    - name: backend-credentials
      secret: { secretName: {{ $root.Values.backendCredentials.secret }}, defaultMode: 0440 }
    {{- end }}
    {{- end }}
    {{- if eq .component "manager" }}
    {{- with .values.database }}
    {{- if .secret }}
    - name: database
      secret:
        secretName: {{ .secret }}
        defaultMode: 0440
        items:
          - { key: {{ .passwordKey }}, path: password }
          {{- with .authorityKey }}
          - { key: {{ . }}, path: ca.crt }
          {{- end }}
    {{- end }}
    {{- end }}
    {{- end }}
    {{- with .storage }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with .values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .placed.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .placed.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .affinity }}
  affinity: {{- . | nindent 4 }}
  {{- end }}
  {{- if .spread }}
  topologySpreadConstraints:
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: { matchLabels: {{ include "shoal.selector" $ | fromYaml | toJson }} }
    {{- end }}
  {{- end }}
{{- end }}

{{- define "shoal.priorityClass" -}}
{{- if .root.Values.priorityClass.create -}}
{{ include "shoal.fullname" .root }}-{{ .root.Release.Namespace }}-{{ ternary "agents" "services" (eq .component "agent") }}
{{- end }}
{{- end }}
