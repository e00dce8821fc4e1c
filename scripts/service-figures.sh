#!/usr/bin/env bash
# Requests a second beside the framework's trivial route, and durable placements a second, all in one
# run on this machine; what bare SQLite does is `make store-figures`. Then what a tenant that floods the
# queue does to the waits of another one. LAB: the folder of the release programs.
set -euo pipefail
cd "$(dirname "$0")/.."
lab=${1:?folder of the programs}
# As many connections as keep both processors at work while a batch is on its way to the disk.
connections=${CONNECTIONS:-512}
rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-5} nodes=${NODES:-1000} flood=${FLOOD:-100000}

folder=$(mktemp -d) server=
finish() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  server=
}
trap 'finish; rm -rf "$folder"' EXIT

# begin NAME: a new server with its nodes.
begin() {
  finish
  local state=$folder/$1
  "$lab/service-lab" "$state" "$nodes" & server=$!
  for _ in $(seq 600); do
    test -s "$state/client.json" && test -s "$state/trivial" && break
    kill -0 "$server" || exit 1
    sleep 0.5
  done
  sleep 3 # until the nodes were heard twice
  url=$(sed -n 's/.*"server": "\(.*\)".*/\1/p' "$state/client.json")
  token=$(sed -n 's/.*"token": "\(.*\)".*/\1/p' "$state/client.json")
  export POOL_TOKEN_FILE=$folder/token
  (umask 077; echo "$token" >"$POOL_TOKEN_FILE")
  trivial=$(cat "$state/trivial")
}

# load NAME TENANT BATCH CONNECTIONS SECONDS: a line with requests, claims a second and p99.
load() {
  run=${1// /-}-$RANDOM
  RUN=$run TENANT=$2 BATCH=$3 wrk -t1 -c"$4" -d"$5s" --latency \
    -s scripts/claims.lua "$url" | tee -a "$folder/log" |
    awk -v name="$1" -v batch="$3" '
      /99%/ {p99 = $2} /Requests\/sec/ {rate = $2} /Non-2xx/ {refused = $NF}
      END {printf "%-24s %9.0f requests/s %9.0f claims/s   p99 %-9s refused %d\n",
        name, rate, rate * (batch > 0 ? batch : 1), p99, refused}'
}
# Each round has a new server: nothing ends in one, and what is told to an agent grows with its leases.
for round in $(seq "$rounds"); do
  begin "rates-$round"
  wrk -t1 -c"$connections" -d"${seconds}s" --latency "$trivial" | awk '
    /99%/ {p99 = $2} /Requests\/sec/ {rate = $2}
    END {printf "%-24s %9.0f requests/s %20s   p99 %s\n", "trivial route", rate, "", p99}'
  load 'single claims' acme 0 "$connections" "$seconds"
  PATH_OF_LOOK=/v1/claims/acme/$run-100 wrk -t1 -c"$connections" -d"${seconds}s" --latency \
    -s scripts/look.lua "$url" | awk '
    /99%/ {p99 = $2} /Requests\/sec/ {rate = $2} /Non-2xx/ {refused = $NF}
    END {printf "%-24s %9.0f requests/s %20s   p99 %-9s refused %d\n", "looks at a claim", rate, "",
      p99, refused}'
  load 'batches of 500' acme 500 4 "$seconds"
done

begin flood
for round in $(seq "$rounds"); do load 'alone' acme 0 8 "$seconds"; done
python3 scripts/flood.py "$url" zeta "$flood" & arriving=$!
for round in $(seq "$rounds"); do load 'while the flood comes' acme 0 8 "$seconds"; done
wait "$arriving"
for round in $(seq "$rounds"); do load 'beside a flooded queue' acme 0 8 "$seconds"; done
