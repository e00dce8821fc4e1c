#!/usr/bin/env bash
# Compares CNVML's declarations with real headers of NVML. Needs a C compiler; nothing that is
# fetched stays behind or is ever committed.
#
#   scripts/abi-check.sh                  the header of libnvidia-ml-dev, else those of PyPI
#   NVML_HEADER=path scripts/abi-check.sh this header and no other
#   NVML_FETCH=1 scripts/abi-check.sh     also API 12 and 13 from PyPI, and API 11 and the library
#                                         from Debian non-free where they can be had
#   NVML_LIBRARY=path                     also says which of our symbols this library exports
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checked=0
differing=0

compiler=${CC:-}
for candidate in cc gcc clang; do
  [ -n "$compiler" ] || ! command -v "$candidate" >/dev/null || compiler=$candidate
done
if [ -z "$compiler" ]; then
  echo "abi-check: no C compiler; install clang or gcc, or set CC" >&2
  exit 2
fi

check_header() {
  echo "abi-check: $2"
  mkdir -p "$work/include"
  cp -L "$1" "$work/include/nvml.h"
  checked=$((checked + 1))
  # Not left to `set -e`, which a caller's `||` turns off.
  if ! "$compiler" -std=c11 -Wall -Wextra -Wno-unused-value -I"$work/include" \
    -ISources/CNVML/include scripts/abi-check.c -o "$work/abi-check" || ! "$work/abi-check"; then
    differing=$((differing + 1))
  fi
}

fetch_python() {
  local python=${PYTHON:-python3}
  mkdir -p "$work/$1"
  if ! "$python" -m pip download --quiet --disable-pip-version-check --no-deps \
    --dest "$work/$1" "$1"; then
    echo "abi-check: $1 cannot be fetched" >&2
    return 1
  fi
  "$python" -m zipfile -e "$work/$1"/*.whl "$work/$1"
  check_header "$(find "$work/$1" -name nvml.h | head -n 1)" \
    "$(basename "$work/$1"/*.whl | cut -d- -f1,2) (PyPI)"
}

. scripts/fetch-debian.sh

check_library() {
  command -v nm >/dev/null || return 0
  nm -D --defined-only "$1" | awk '{ print $3 }' | sed 's/@.*//' | sort >"$work/exported"
  grep -ohE '"nvml[A-Za-z0-9_]+"' Sources/CNVML/include/cnvml_calls.h | tr -d '"' | sort -u \
    >"$work/ours"
  local lacking
  lacking=$(comm -23 "$work/ours" "$work/exported" | tr '\n' ' ')
  echo "abi-check: $1 exports $(comm -12 "$work/ours" "$work/exported" | wc -l)" \
    "of our $(wc -l <"$work/ours") symbols; lacks: ${lacking:-none}"
}

if [ "${1:-}" = --library-only ]; then
  check_library "$NVML_LIBRARY"
  exit
fi
if [ -n "${NVML_HEADER:-}" ]; then
  check_header "$NVML_HEADER" "$NVML_HEADER"
elif [ -f /usr/include/nvml.h ]; then
  check_header /usr/include/nvml.h "/usr/include/nvml.h (libnvidia-ml-dev)"
else
  NVML_FETCH=${NVML_FETCH:-1}
fi
if [ "${NVML_FETCH:-0}" = 1 ]; then
  for package in nvidia-nvml-dev-cu12 nvidia-nvml-dev; do fetch_python "$package" || true; done
  if [ ! -f /usr/include/nvml.h ]; then
    if fetch_debian libnvidia-ml-dev; then
      check_header "$(find "$work/libnvidia-ml-dev" -name nvml.h | head -n 1)" \
        "libnvidia-ml-dev (Debian non-free)"
    else
      echo "abi-check: libnvidia-ml-dev cannot be fetched from Debian non-free" >&2
    fi
  fi
fi
if [ -n "${NVML_LIBRARY:-}" ]; then check_library "$NVML_LIBRARY"; fi
if [ "$checked" = 0 ]; then
  echo "abi-check: no header was found; set NVML_HEADER=path, or see NVML_FETCH in this script" >&2
  exit 1
fi
if [ "$differing" != 0 ]; then
  echo "abi-check: $differing of $checked headers differ from CNVML" >&2
  exit 1
fi
echo "abi-check: all $checked headers agree"
