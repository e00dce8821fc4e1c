#!/usr/bin/env bash
# Runs the tests of examples/consumer-ci: a stranger's package whose CI has no GPU.
set -euo pipefail
cd "$(dirname "$0")/.."

package=examples/consumer-ci
if [ ! -f "$package/Package.swift" ]; then
  echo "error: $package/Package.swift is missing" >&2
  exit 1
fi
scripts/expect-tests.sh \
  swift test --package-path "$package" --scratch-path "$PWD/.build-consumer-ci"
