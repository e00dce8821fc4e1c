#!/usr/bin/env bash
# Builds and runs examples/embed: a stranger's package that uses the library.
set -euo pipefail
cd "$(dirname "$0")/.."

package=examples/embed
if [ ! -f "$package/Package.swift" ]; then
  echo "error: $package/Package.swift is missing" >&2
  exit 1
fi
swift run --package-path "$package" --scratch-path .build-embed
