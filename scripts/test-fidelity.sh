#!/usr/bin/env bash
# Captures of nvidia-smi come back through the fake library and the probe, and third-party readers of
# NVML (nvidia-ml-py, nvitop) read it. The readers come from PyPI into .build-fidelity, which is never
# committed. Without them the step is SKIPPED, and where CI=true it fails.
set -euo pipefail
cd "$(dirname "$0")/.."

checks=Tests/ProbeFakes/fidelity
work=$PWD/.build-fidelity
site=$work/site
mkdir -p "$work"
export PYTHONDONTWRITEBYTECODE=1

# Says why, and ends: well on a developer's machine, badly in CI.
skip() {
  if [ "${CI:-}" = true ]; then
    echo "error: test-fidelity cannot run: $1" >&2
    exit 1
  fi
  echo "SKIPPED test-fidelity: $1" >&2
  exit 0
}

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
  skip 'Python 3.9 or newer is needed (apt-get install python3 python3-pip)'
fi
python3 "$checks/check_converter.py"
swift build --quiet --product FakeNVML >&2
swift build --quiet --product pool-agent >&2
python3 "$checks/check_probe.py" .build/debug/pool-agent .build/debug/libFakeNVML.so

stamp=$work/$(cksum <"$checks/requirements.txt" | cut -d' ' -f1).installed
if [ ! -e "$stamp" ]; then
  rm -rf "$site"
  pip="python3 -m pip"
  # Debian packs pip apart from Python; where venv is there, it brings one.
  if ! $pip --version >/dev/null 2>&1 && python3 -m venv "$work/venv" >/dev/null 2>&1; then
    pip="$work/venv/bin/python -m pip"
  fi
  if ! $pip install --quiet --disable-pip-version-check --no-warn-script-location \
    --retries 0 --timeout 30 --target "$site" --requirement "$checks/requirements.txt" >"$work/pip.log" 2>&1; then
    tail -n 5 "$work/pip.log" >&2
    skip "nvidia-ml-py and nvitop cannot be installed from PyPI (see $work/pip.log)"
  fi
  : >"$stamp"
fi

folder=$work/node
mkdir -p "$folder"
cp .build/debug/libFakeNVML.so "$folder/libnvidia-ml.so.1"
export FAKE_NVML_FOLDER=$folder LD_LIBRARY_PATH=$folder PYTHONPATH=$site
for check in check_pynvml check_nvitop; do
  echo "$check"
  python3 "$checks/$check.py"
done
