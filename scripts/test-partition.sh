#!/usr/bin/env bash
# A server and an agent in two network namespaces, over TLS with an authority of their own: the link
# goes down, heals, and then loses one direction at a time. Says what the server made of it, and how
# long it took until the node was ready again. Needs root, iproute2 and openssl.
#   test-partition.sh SERVER AGENT POLICY
set -euo pipefail

server=$(realpath "$1")
agent=$(realpath "$2")
policy=$(realpath "$3")
name=gp-node-$$
near=10.231.77.1
far=10.231.77.2
folder=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  ip netns del "$name" 2>/dev/null || true
  rm -rf "$folder" "/etc/netns/$name"
}
trap cleanup EXIT

# The authority, and a certificate for the server's address.
(
  cd "$folder"
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca
  openssl req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj "/CN=$near"
  printf 'subjectAltName=IP:%s\n' "$near" >extension.txt
  openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
    -extfile extension.txt -out cert.pem
) 2>/dev/null

# The node's namespace; in it the system's certificates have the authority too.
ip netns add "$name"
ip link add "gp$$" type veth peer name node netns "$name"
ip addr add "$near/24" dev "gp$$"
ip link set "gp$$" up
ip -n "$name" addr add "$far/24" dev node
ip -n "$name" link set node up
ip -n "$name" link set lo up
mkdir -p "/etc/netns/$name"
cp -rL /etc/ssl "/etc/netns/$name/ssl" 2>/dev/null || true
cat "$folder/ca.pem" >>"/etc/netns/$name/ssl/certs/ca-certificates.crt"

"$server" serve --state "$folder/state" --listen "$near:7443" --policy "$policy" \
  --tls-certificate "$folder/cert.pem" --tls-key "$folder/key.pem" \
  --operator-file "$folder/operator.json" --address "https://$near:7443" >"$folder/server.txt" 2>&1 &
pids+=($!)

now() { echo "${EPOCHREALTIME%.*}${EPOCHREALTIME:11:1}"; }

# until_ok SECONDS COMMAND...: waits; `took` is how long, in tenths of a second.
until_ok() {
  local most=$1 start
  start=$(now)
  shift
  until "$@" >/dev/null 2>&1; do
    if [ $(($(now) - start)) -ge $((most * 10)) ]; then
      echo "failed within $most s: $*" >&2
      tail -5 "$folder"/*.txt >&2
      exit 1
    fi
    sleep 0.1
  done
  took=$(($(now) - start))
}
until_ok 60 test -s "$folder/operator.json"

# The operator asks on this machine, with the authority given to curl alone.
ask() {
  curl -fsS --cacert "$folder/ca.pem" "$@" \
    -H "Authorization: Bearer $(sed -n 's/.*"token": "\(.*\)".*/\1/p' "$folder/operator.json")"
}
reach() {
  ask "https://$near:7443/v1/nodes" | grep -q "\"reach\":\"$1\""
}

"$agent" advertise --once >"$folder/node.json" 2>/dev/null
node=$(sed -n 's/.*"name": *"\([^"]*\)".*/\1/p' "$folder/node.json" | head -1)
ask "https://$near:7443/v1/nodes" -d @"$folder/node.json" |
  sed -n 's/.*"join_credential":"\([^"]*\)".*/\1/p' >"$folder/join"
mkdir -m 700 "$folder/agent"
ip netns exec "$name" "$agent" run --server "https://$near:7443" --state "$folder/agent" \
  --node "$node" --join-file "$folder/join" >"$folder/agent.txt" 2>&1 &
pids+=($!)
until_ok 60 reach ready
echo "node $node joined over TLS and is ready"

# partition WORDS CUT HEAL
partition() {
  eval "$2"
  until_ok 90 eval '! reach ready'
  local lost=$took
  until_ok 180 reach silent
  echo "$1: not ready after $((lost / 10)).$((lost % 10)) s, silent (its devices are kept) after" \
    "$(((lost + took) / 10)).$(((lost + took) % 10)) s"
  eval "$3"
  until_ok 90 reach ready
  echo "$1: ready again $((took / 10)).$((took % 10)) s after it healed"
}
partition "link down" "ip link set gp$$ down" "ip link set gp$$ up"
# A route that leads nowhere, on one side at a time.
partition "nothing reaches the node" "ip route add blackhole $far/32" "ip route del blackhole $far/32"
partition "nothing reaches the server" "ip -n $name route add blackhole $near/32" \
  "ip -n $name route del blackhole $near/32"
echo "partitions: quarantined and healed, three times"
