#!/usr/bin/env bash
# Starts a server, has promtool read its metrics in both forms, has the rules tested, and has a real
# Prometheus scrape it.
#   test-metrics.sh SERVER POLICY
set -euo pipefail

server=$(realpath "$1")
policy=$(realpath "$2")
rules=$(realpath "$(dirname "$0")/../packaging/prometheus")
folder=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$folder"
}
trap cleanup EXIT

# until_ok SECONDS COMMAND...
until_ok() {
  local left=$(($1 * 10))
  shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    if [ "$left" -le 0 ]; then
      echo "failed: $*" >&2
      return 1
    fi
    sleep 0.1
  done
}

promtool check rules "$rules/alerts.yml" >/dev/null
promtool test rules "$rules/alerts.test.yml" >/dev/null

"$server" dev --state "$folder/state" --listen 127.0.0.1:0 --policy "$policy" --no-agent \
  >"$folder/server.txt" 2>&1 &
pids+=($!)
until_ok 60 grep -q "is ready at" "$folder/server.txt"
address=$(sed -n 's/.*ready at \(http[^;]*\);.*/\1/p' "$folder/server.txt")
sed -n 's/.*"token": "\(.*\)".*/\1/p' "$folder/state/client.json" >"$folder/token"
chmod 600 "$folder/token"

ask() {
  curl -fsS -H "Authorization: Bearer $(cat "$folder/token")" "$@" "$address/metrics"
}
ask | promtool check metrics
ask -H "Accept: application/openmetrics-text" | tail -1 | grep -qx "# EOF"

cat >"$folder/prometheus.yml" <<END
global: {scrape_interval: 1s}
rule_files: ["$rules/alerts.yml"]
scrape_configs:
  - job_name: pool-server
    authorization: {credentials_file: "$folder/token"}
    static_configs: [{targets: ["${address#http://}"]}]
END
port=$((20000 + RANDOM % 20000))
prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/data" \
  --web.listen-address="127.0.0.1:$port" --log.level=error 2>"$folder/prometheus.txt" &
pids+=($!)
scraped() {
  curl -fsS "http://127.0.0.1:$port/api/v1/query?query=gpupool_commands_total" |
    grep -q '"__name__":"gpupool_commands_total"'
}
until_ok 60 scraped
echo "metrics: promtool finds nothing wrong, and Prometheus scrapes them"
