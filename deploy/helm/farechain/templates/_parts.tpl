{{- define "farechain.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "farechain" $name) }}{{ $name = printf "%s-farechain" $name }}{{ end -}}
{{- $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "farechain.selector" -}}
app.kubernetes.io/name: farechain
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "farechain.labels" -}}
{{ include "farechain.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "farechain.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "farechain.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "farechain.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* The settings of one chain: what the chart knows, under `settings`, under the chain's own. */ -}}
{{- define "farechain.settings" -}}
{{- $root := index . 0 }}{{ $ordinal := index . 1 }}{{ $chain := index . 2 -}}
{{- $keys := "/run/farechain/keys" -}}
{{- $known := dict
  "ledger" (dict "bureau_key_file" (printf "%s/bureau.pub" $keys))
  "kafka" (dict "group_id" (printf "%s-%d" (include "farechain.name" $root) $ordinal))
  "public_log" (dict "key_file" (printf "%s/log.key" $keys))
  "private" (dict "key_file" (printf "%s/private.key" $keys))
  "lines" (dict "form" "json") -}}
{{- $fixed := dict
  "ledger" (dict "path" "/var/lib/farechain/ledger" "chain" $chain.name)
  "source" (dict "topics" $chain.topics)
  "api" (dict "host" "0.0.0.0" "port" 8800) -}}
{{- $own := deepCopy (get $chain "settings" | default dict) -}}
{{- mergeOverwrite $known (deepCopy $root.Values.settings) $own $fixed | toJson -}}
{{- end -}}

{{- /* A table as TOML. JSON's strings, numbers, truths and lists of them are TOML's as well. */ -}}
{{- define "farechain.toml" -}}
{{- $name := index . 0 }}{{ $table := index . 1 -}}
{{- range $key, $value := $table }}
{{- if not (or (kindIs "map" $value) (and (kindIs "slice" $value) $value (kindIs "map" (first $value)))) }}
{{ $key }} = {{ toJson $value }}
{{- end }}
{{- end }}
{{- range $key, $value := $table }}
{{- $path := ternary $key (printf "%s.%s" $name $key) (eq $name "") }}
{{- if kindIs "map" $value }}

[{{ $path }}]
{{- include "farechain.toml" (list $path $value) }}
{{- else if and (kindIs "slice" $value) $value (kindIs "map" (first $value)) }}
{{- range $value }}

[[{{ $path }}]]
{{- include "farechain.toml" (list $path .) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* From SIGTERM to SIGKILL: the longest drain of any chain, and time to close. */ -}}
{{- define "farechain.grace" -}}
{{- $root := . }}{{ $longest := 0 -}}
{{- range $ordinal, $chain := .Values.chains -}}
{{- $settings := include "farechain.settings" (list $root $ordinal $chain) | fromJson -}}
{{- $longest = max $longest (int (ceil (dig "limits" "drain_deadline_s" 20 $settings))) -}}
{{- end -}}
{{- add $longest 10 -}}
{{- end -}}
