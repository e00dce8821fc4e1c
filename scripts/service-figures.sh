#!/usr/bin/env bash
# Requests and durable placements a second beside their ceilings, all in one run on this machine:
# the framework's trivial route, and the same rows in bare SQLite. Then what a tenant that floods the
# queue does to the waits of another one. LAB: the folder of the release programs.
set -euo pipefail
cd "$(dirname "$0")/.."
lab=${1:?folder of the programs}
rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-5} nodes=${NODES:-1000} flood=${FLOOD:-100000}

folder=$(mktemp -d)
"$lab/service-lab" "$folder/state" "$nodes" & server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 600); do
  test -s "$folder/state/client.json" && test -s "$folder/state/trivial" && break
  kill -0 $server || exit 1
  sleep 0.5
done
sleep 3 # until the nodes were heard twice
export POOLCTL_CONFIG=$folder/state/client.json
url=$(sed -n 's/.*"server": "\(.*\)".*/\1/p' "$POOLCTL_CONFIG")
token=$(sed -n 's/.*"token": "\(.*\)".*/\1/p' "$POOLCTL_CONFIG")
export POOL_TOKEN_FILE=$folder/token
(umask 077; echo "$token" >"$POOL_TOKEN_FILE")
trivial=$(cat "$folder/state/trivial")

# load NAME TENANT BATCH CONNECTIONS SECONDS: a line with requests, claims a second and p99.
load() {
  RUN="${1// /-}-$RANDOM" TENANT=$2 BATCH=$3 wrk -t1 -c"$4" -d"$5s" --latency \
    -s scripts/claims.lua "$url" | tee -a "$folder/log" |
    awk -v name="$1" -v batch="$3" '
      /99%/ {p99 = $2} /Requests\/sec/ {rate = $2} /refused/ {refused = $2}
      END {printf "%-24s %9.0f requests/s %9.0f claims/s   p99 %-9s refused %d\n",
        name, rate, rate * (batch > 0 ? batch : 1), p99, refused}'
}
for round in $(seq "$rounds"); do
  wrk -t1 -c256 -d"${seconds}s" --latency "$trivial" | awk '
    /99%/ {p99 = $2} /Requests\/sec/ {rate = $2}
    END {printf "%-24s %9.0f requests/s %20s   p99 %s\n", "trivial route", rate, "", p99}'
  load 'single claims' acme 0 256 "$seconds"
  load 'batches of 500' acme 500 4 "$seconds"
done
load 'alone' acme 0 8 "$seconds"
python3 scripts/flood.py "$url" zeta "$flood"
load 'beside a flooded queue' acme 0 8 "$seconds"
