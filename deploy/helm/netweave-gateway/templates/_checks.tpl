{{/* What would run badly is no manifest. Each line says what to change. */}}
{{- define "netweave.checks" -}}
{{- $v := .Values -}}
{{- $prod := eq $v.environment "prod" -}}
{{- $pods := include "netweave.pods" . | int -}}
{{- $state := (get $v.config "state" | default dict).kind | default "memory" -}}
{{- $needed := add $v.shutdown.preStop $v.shutdown.delay $v.shutdown.grace 5 | int -}}
{{- if lt (include "netweave.termination" . | int) $needed -}}
{{- fail (printf "shutdown.termination: must be %d at least, or the pod is killed while it drains" $needed) -}}
{{- end -}}
{{- if and (ne $state "redis") (or (gt $pods 1) $v.autoscaling.enabled) -}}
{{- fail (printf "config.state.kind: `%s` is of one pod alone; several need `redis`" $state) -}}
{{- end -}}
{{- if and $prod (lt $pods 3) -}}
{{- fail "replicas: `prod` needs 3 pods at least" -}}
{{- end -}}
{{- if gt (int $v.autoscaling.min) (int $v.autoscaling.max) -}}
{{- fail "autoscaling.min: must not be above autoscaling.max" -}}
{{- end -}}
{{- if and (gt $pods 1) (ge (int $v.disruption.maxUnavailable) $pods) -}}
{{- fail "disruption.maxUnavailable: must be below the number of pods" -}}
{{- end -}}
{{- if and $v.certificate.enabled (not $v.certificate.selfSigned) (not $v.certificate.issuer.name) -}}
{{- fail "certificate.issuer.name: is needed, unless certificate.selfSigned" -}}
{{- end -}}
{{- if and $v.certificate.selfSigned (ne $v.environment "dev") -}}
{{- fail "certificate.selfSigned: is for `dev`" -}}
{{- end -}}
{{- if and $v.external.enabled $prod (eq $v.external.type "LoadBalancer") (not $v.external.sourceRanges) -}}
{{- fail "external.sourceRanges: `prod` needs the networks that may come in" -}}
{{- end -}}
{{- if and $prod (not $v.networkPolicy.enabled) -}}
{{- fail "networkPolicy.enabled: `prod` needs it" -}}
{{- end -}}
{{- if and $v.networkPolicy.enabled (include "netweave.inCluster" .) (not $v.networkPolicy.egress.apiServer) -}}
{{- fail "networkPolicy.egress.apiServer: a backend `kubernetes` without a kubeconfig needs the API server's addresses (kubectl get endpointslices -n default)" -}}
{{- end -}}
{{- range $v.networkPolicy.ingress.api -}}
{{- if and $prod .ipBlock -}}{{- if hasSuffix "/0" .ipBlock.cidr -}}
{{- fail "networkPolicy.ingress.api: `prod` refuses a network of all addresses" -}}
{{- end -}}{{- end -}}
{{- end -}}
{{- end }}
