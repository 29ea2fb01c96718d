{{/* The pod: restricted, with the gateway as its one container. */}}
{{- define "netweave.pod" -}}
serviceAccountName: {{ .Values.name }}
automountServiceAccountToken: {{ include "netweave.inCluster" . | empty | not }}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "netweave.termination" . }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.pod.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pod.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.pod.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if or .Values.spread.zone .Values.spread.node }}
topologySpreadConstraints:
  {{- range $key, $what := dict "topology.kubernetes.io/zone" .Values.spread.zone "kubernetes.io/hostname" .Values.spread.node }}
  {{- if $what }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $what }}
    labelSelector:
      matchLabels:
        {{- include "netweave.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: {{ .Values.pod.seccomp }}
    {{- if eq .Values.pod.seccomp "Localhost" }}
    localhostProfile: {{ .Values.pod.seccompFile }}
    {{- end }}
containers:
  - name: gateway
    image: {{ include "netweave.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args: [serve, -c, /etc/netweave/conf/netweave.yaml]
    {{- with .Values.pod.env }}
    env:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    ports:
      - { name: api, containerPort: 8443, protocol: TCP }
      - { name: operations, containerPort: 8080, protocol: TCP }
    securityContext:
      allowPrivilegeEscalation: false
      privileged: false
      readOnlyRootFilesystem: true
      capabilities: { drop: [ALL] }
    resources:
      requests:
        cpu: {{ .Values.resources.requests.cpu | quote }}
        memory: {{ .Values.resources.requests.memory | quote }}
      limits:
        {{- with .Values.resources.limits.cpu }}
        cpu: {{ . | quote }}
        {{- end }}
        memory: {{ .Values.resources.limits.memory | quote }}
    # A start that reads a large inventory has a minute; then, dependencies count for readiness alone.
    startupProbe:
      httpGet: { path: /livez, port: operations }
      periodSeconds: 2
      failureThreshold: 30
    livenessProbe:
      httpGet: { path: /livez, port: operations }
      periodSeconds: 10
      timeoutSeconds: 5
    readinessProbe:
      httpGet: { path: /readyz, port: operations }
      periodSeconds: 5
      timeoutSeconds: 3
      failureThreshold: 2
    {{- if gt (int .Values.shutdown.preStop) 0 }}
    lifecycle:
      preStop:
        sleep: { seconds: {{ .Values.shutdown.preStop }} }
    {{- end }}
    # No mount is a `subPath`: those never see a certificate that was replaced.
    volumeMounts:
      - { name: config, mountPath: /etc/netweave/conf, readOnly: true }
      # The control socket.
      - { name: run, mountPath: /run/netweave }
      - { name: tls, mountPath: /etc/netweave/tls, readOnly: true }
      - { name: client-ca, mountPath: /etc/netweave/client-ca, readOnly: true }
      {{- if .Values.tls.crl.name }}
      - { name: crl, mountPath: /etc/netweave/crl, readOnly: true }
      {{- end }}
      {{- range .Values.secrets }}
      - { name: secret-{{ .path }}, mountPath: /etc/netweave/secrets/{{ .path }}, readOnly: true }
      {{- end }}
      {{- with .Values.pod.volumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  - name: config
    configMap: { name: {{ .Values.name }} }
  - name: run
    emptyDir: { medium: Memory, sizeLimit: 1Mi }
  - name: tls
    secret:
      secretName: {{ .Values.tls.secretName }}
      defaultMode: 0440
      items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }]
  - name: client-ca
    {{- $items := list (dict "key" .Values.tls.clientCa.key "path" "ca.crt") }}
    {{- $name := .Values.tls.clientCa.name | default .Values.tls.secretName }}
    {{- if and .Values.tls.clientCa.name (eq .Values.tls.clientCa.kind "ConfigMap") }}
    configMap:
      name: {{ $name }}
      items: {{ toJson $items }}
    {{- else }}
    secret:
      secretName: {{ $name }}
      defaultMode: 0440
      items: {{ toJson $items }}
    {{- end }}
  {{- if .Values.tls.crl.name }}
  - name: crl
    configMap:
      name: {{ .Values.tls.crl.name }}
      items: [{ key: {{ .Values.tls.crl.key }}, path: crl.pem }]
  {{- end }}
  {{- range .Values.secrets }}
  - name: secret-{{ .path }}
    secret: { secretName: {{ .name }}, defaultMode: 0440 }
  {{- end }}
  {{- with .Values.pod.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
