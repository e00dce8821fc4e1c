#!/bin/sh
# Fuzz/run.sh TARGET|all SECONDS: builds Fuzz/TARGETFuzz.swift with the modules it needs under libFuzzer
# and the address sanitizer, runs it for SECONDS, exits nonzero on a crash or a hang.
# Inputs that found new paths are kept in fuzz-corpus/TARGET, crashes in .build-fuzz/TARGET.
set -eu

if [ $# -ne 2 ]; then
  echo "usage: Fuzz/run.sh TARGET|all SECONDS" >&2
  exit 2
fi
target=$1
seconds=$2
script=$0
if [ "$target" = all ]; then
  # Two at a time: a fuzzer has one thread. StrictJSON first, since both rows import it; but for that
  # they build different modules.
  "$script" StrictJSON "$seconds"
  row() {
    for each in "$@"; do "$script" "$each" "$seconds" || return 1; done
  }
  row PoolWire PoolRecord &
  first=$!
  row Profiles HostTree Driver FakeNVML &
  second=$!
  failed=0
  wait "$first" || failed=1
  wait "$second" || failed=1
  exit "$failed"
fi

# The modules of each target, each after those that it imports.
case $target in
  StrictJSON) modules="StrictJSON" ;;
  PoolWire) modules="PoolAllocator StrictJSON PoolWire" ;;
  PoolRecord) modules="PoolAllocator PoolRecord" ;;
  FakeNVML) modules= ;;
  Profiles | HostTree | Driver) modules="StrictJSON HardwareProbe" ;;
  *)
    echo "Fuzz/run.sh: unknown target $target" >&2
    exit 2
    ;;
esac

cd "$(dirname "$0")/.."
build=.build-fuzz/$target
# Modules are built once for all targets.
shared=.build-fuzz/modules
corpus=fuzz-corpus/$target
mkdir -p "$build" "$shared" "$corpus"

# One name for all modules, as the package manager gives it: `package` is visible among them.
# Targets may look inside of the modules.
flags="-O -g -swift-version 6 -parse-as-library -sanitize=fuzzer,address -I $shared -enable-testing
  -I Sources/CNVML/include -package-name pool_allocator
  -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility
  -enable-upcoming-feature InternalImportsByDefault"

objects=
case $modules in
  *HardwareProbe*)
    # The C part, and the map that the package manager would make for it.
    if [ ! -f Sources/CNVML/include/module.modulemap ]; then
      mkdir -p "$shared/CNVML"
      echo "module CNVML { umbrella \"$PWD/Sources/CNVML/include\" export * }" \
        >"$shared/CNVML/module.modulemap"
      flags="$flags -I $shared/CNVML"
    fi
    for source in Sources/CNVML/*.c; do
      object=$shared/$(basename "$source" .c).o
      if [ ! -f "$object" ] || [ -n "$(find Sources/CNVML -newer "$object" -type f)" ]; then
        clang -O1 -g -fsanitize=address -I Sources/CNVML/include -c "$source" -o "$object"
      fi
      objects="$objects $object"
    done
    ;;
esac
for module in $modules; do
  object=$shared/$module.o
  # What it is made of: its sources, this script, and the modules that were built for it before.
  newer=
  if [ -f "$object" ]; then
    # shellcheck disable=SC2086
    newer=$(find "Sources/$module" Fuzz/run.sh $objects -newer "$object" -type f | head -n 1)
  fi
  if [ ! -f "$object" ] || [ -n "$newer" ]; then
    # shellcheck disable=SC2086,SC2046
    swiftc $flags -wmo -module-name "$module" -c $(find "Sources/$module" -name '*.swift' | sort) \
      -emit-module -emit-module-path "$shared/$module.swiftmodule" -o "$object"
  fi
  objects="$objects $object"
done
if [ "$target" = FakeNVML ]; then
  # Scripts that sleep or hang answer at once, or the fuzzer would wait with them.
  clang -O1 -g -std=gnu11 -fsanitize=fuzzer,address -DFAKE_NVML_NEVER_WAITS \
    Fuzz/FakeNVMLFuzz.c Tests/ProbeFakes/FakeNVML/*.c -o "$build/fuzz"
else
  # shellcheck disable=SC2086
  swiftc $flags -module-name "${target}Fuzz" "Fuzz/${target}Fuzz.swift" $objects -o "$build/fuzz"
fi

# Good inputs to start from, read only.
seeds=
if [ "$target" = Profiles ]; then
  seeds="hardware-profiles hardware-profiles/nodes"
elif [ -d "Fuzz/${target}Seeds" ]; then
  seeds=Fuzz/${target}Seeds
fi

dictionary=
if [ -f "Fuzz/${target}Fuzz.dict" ]; then
  dictionary=-dict=Fuzz/${target}Fuzz.dict
fi

# A folder in memory for targets that write files.
FUZZ_SCRATCH=$(mktemp -d -p /dev/shm)
export FUZZ_SCRATCH
trap 'rm -rf "$FUZZ_SCRATCH"' EXIT INT TERM

# The backtracer can hang for minutes after a sanitizer report; leaks are not looked for, since that
# needs ptrace. The timeout is for a fuzzer that no longer stops by itself.
SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 timeout $((seconds + 60)) \
  "$build/fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=4096 \
  -artifact_prefix="$build/" -print_final_stats=1 $dictionary "$corpus" $seeds </dev/null
