#!/usr/bin/env bash
# Runs a test command and also fails when its filter matched no test, which `swift test` allows.
#   expect-tests.sh swift test --filter PATTERN
set -euo pipefail

log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$@" 2>&1 | tee "$log"
if ! grep -qE 'Test run with [1-9][0-9]* test' "$log"; then
  echo "error: no test ran: $*" >&2
  exit 1
fi
