#!/usr/bin/env bash
# The same claims give the same bytes in another process, in debug and in release.
#   test-digest.sh POLICY CLAIMS
# Expects .build/debug/pool-agent and .build/release/pool-agent. Hash order differs per process, so
# two runs of one build already find an order that leaks out of a set.
set -euo pipefail
cd "$(dirname "$0")/.."

policy=$1
claims=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

for file in "$policy" "$claims"; do
  if [ ! -f "$file" ]; then
    echo "error: $file is missing" >&2
    exit 1
  fi
done

for build in debug release; do
  for run in 1 2; do
    status=0
    ".build/$build/pool-agent" place --policy "$policy" --claims "$claims" --json \
      >"$out/$build-$run" 2>"$out/notes" || status=$?
    # 3 to 6 are answers (queued, rejected, infeasible, degraded); the rest are failures.
    case $status in
      0 | 3 | 4 | 5 | 6) ;;
      *)
        cat "$out/notes" >&2
        echo "error: $build run $run exited with $status" >&2
        exit 1
        ;;
    esac
    if [ ! -s "$out/$build-$run" ]; then
      echo "error: $build run $run printed nothing" >&2
      exit 1
    fi
    echo "exit $status" >>"$out/$build-$run"
    if ! cmp "$out/debug-1" "$out/$build-$run" >&2; then
      echo "error: $build run $run differs from debug run 1" >&2
      diff "$out/debug-1" "$out/$build-$run" | head -20 >&2 || true
      exit 1
    fi
  done
done
echo "4 runs, $(wc -c <"$out/debug-1") bytes each, all equal"
