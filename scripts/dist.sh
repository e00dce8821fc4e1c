#!/usr/bin/env bash
# Programs for machines without a toolchain, in one archive with what they are run with. They have the
# libraries of Swift and SQLite inside; of the system they need its C and C++ library, and what asks a
# server libcurl (Debian's libcurl4): TLS is mended by the system.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/.*version: "\([0-9.]*\)".*/\1/p' Sources/pool-agent/Forms.swift | head -1)
name="gpupool-$version-$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m)"
scratch=.build-dist
mkdir -p "$scratch/sqlite"

# The linker takes the first library of a name: in this folder there is the static one alone.
archive=$(find /usr/lib -name libsqlite3.a -print -quit)
test -n "$archive" || { echo 'error: libsqlite3.a is missing; install libsqlite3-dev' >&2; exit 1; }
ln -sf "$archive" "$scratch/sqlite/libsqlite3.a"

build() { # PACKAGE PRODUCT
  swift build -q -c release --static-swift-stdlib --package-path "$1" \
    --scratch-path "$scratch/$(basename "$(realpath "$1")")" --product "$2" \
    -Xlinker "-L$PWD/$scratch/sqlite" >&2
  install -D -s "$scratch/$(basename "$(realpath "$1")")/release/$2" "$scratch/$name/bin/$2"
}
rm -rf "${scratch:?}/$name"
for product in pool-agent pool-sim; do build . "$product"; done
for product in pool-server poolctl; do build control-plane "$product"; done

# Each has to run without the toolchain's folder, and to need nothing else.
for program in "$scratch/$name"/bin/*; do
  known='libc|libm|libstdc\+\+|libgcc_s|ld-linux-x86-64|ld-linux-aarch64|libcurl'
  needs=$(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    grep -vE "^($known)\." || true)
  if [ -n "$needs" ]; then
    echo "error: $(basename "$program") needs $needs" >&2
    exit 1
  fi
  env -i "$program" --help >/dev/null
done

cp -r packaging hardware-profiles schemas man LICENSE README.md docs/service.md docs/runbook.md \
  "$scratch/$name/"
tar -C "$scratch" --sort=name --owner=0 --group=0 --mtime='2020-01-01' -czf "$scratch/$name.tar.gz" "$name"
ls -l "$scratch/$name/bin" "$scratch/$name.tar.gz"
