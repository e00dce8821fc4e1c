#!/usr/bin/env bash
# Probes with the driver's real library on a machine without the driver: the probe must say that the
# driver is not loaded and offer the CPUs all the same. The library is fetched from Debian non-free
# into a temporary folder, or named by NVML_LIBRARY; nothing is installed.
#
#   scripts/real-library-check.sh [PATH OF pool-agent]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/fetch-debian.sh

agent=${1:-.build/release/pool-agent}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
library=${NVML_LIBRARY:-}
if [ -z "$library" ]; then
  fetch_debian libnvidia-ml1 || {
    echo "real-library-check: libnvidia-ml1 cannot be fetched; set NVML_LIBRARY=path" >&2
    exit 2
  }
  library=$(find "$work/libnvidia-ml1" -name 'libnvidia-ml.so.*' -type f | head -n 1)
fi
if [ -e /dev/nvidiactl ]; then
  echo "real-library-check: this machine has the driver; the check is for one without" >&2
  exit 2
fi
# The folder that mktemp makes is private; root loads a library only from where root alone writes.
NVML_LIBRARY=$library NVML_HEADER= scripts/abi-check.sh --library-only
"$agent" probe --json --nvml "$library" >"$work/probe.json"
for expected in '"status": "driver_failed"' '"code": 9' 'driver not loaded' '"devices": \[\]'; do
  grep -q "$expected" "$work/probe.json" || {
    echo "real-library-check: the probe does not say $expected" >&2
    cat "$work/probe.json" >&2
    exit 1
  }
done
if grep -q '"usable_milli": null' "$work/probe.json"; then
  echo "real-library-check: the probe offers no CPUs" >&2
  exit 1
fi
echo "real-library-check: $(basename "$library") says that its driver is not loaded;" \
  "CPUs are offered"
