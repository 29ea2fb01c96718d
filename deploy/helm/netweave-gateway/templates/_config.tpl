{{/*
The gateway's configuration: what values say, and what follows from the pod. The chart's own keys are refused in `config`, so that
no two places say where it listens.
*/}}
{{- define "netweave.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $api := get $config "api" | default dict -}}
{{- $tls := get $api "tls" | default dict -}}
{{- range $key, $is := dict "environment" (hasKey $config "environment") "ops.listen" (hasKey (get $config "ops" | default dict) "listen") "shutdown" (hasKey $config "shutdown") "api.listen" (hasKey $api "listen") "api.tls.certificate" (hasKey $tls "certificate") "api.tls.key" (hasKey $tls "key") "api.tls.clientCa" (hasKey $tls "clientCa") "api.tls.crl" (hasKey $tls "crl") -}}
{{- if $is }}{{ fail (printf "config.%s: the chart writes it; see `environment`, `listen`, `tls` and `shutdown`" $key) }}{{ end -}}
{{- end -}}
{{- $files := dict "certificate" "/etc/netweave/tls/tls.crt" "key" "/etc/netweave/tls/tls.key" "clientCa" "/etc/netweave/client-ca/ca.crt" -}}
{{- if .Values.tls.crl.name }}{{ $_ := set $files "crl" "/etc/netweave/crl/crl.pem" }}{{ end -}}
{{- $shutdown := dict "delay" (printf "%ds" (int .Values.shutdown.delay)) "grace" (printf "%ds" (int .Values.shutdown.grace)) -}}
{{- $own := dict
  "apiVersion" "netweave/v1"
  "environment" .Values.environment
  "oCloud" (dict "serviceUri" (printf "https://%s" (include "netweave.host" .)))
  "api" (dict "listen" (list (printf "%s:8443" .Values.listen)) "tls" $files)
  "ops" (dict "listen" (printf "%s:8080" .Values.listen) "control" "/run/netweave/control.sock")
  "shutdown" $shutdown
  "state" (dict "kind" "memory")
-}}
{{- if hasKey $config "state" }}{{ $own = omit $own "state" }}{{ end -}}
{{- toYaml (merge $config $own) -}}
{{- end }}
