#!/usr/bin/env bash
# Runs make targets one after the other and says how long each took.
#   run-steps.sh STEP...
# Stops at the first that fails, names it and exits 1.
set -euo pipefail

make=${MAKE:-make}
summary=()

finish() {
  echo
  printf '%s\n' "${summary[@]}"
  echo "$1"
}

for step in "$@"; do
  echo "== $step"
  started=$SECONDS
  if "$make" --no-print-directory "$step" </dev/null; then
    summary+=("$(printf '%-14s ok      %4d s' "$step" $((SECONDS - started)))")
  else
    summary+=("$(printf '%-14s FAILED  %4d s' "$step" $((SECONDS - started)))")
    finish "failed: $step (run it alone: make $step)" >&2
    exit 1
  fi
done
finish 'all tests passed'
