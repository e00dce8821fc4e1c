#!/usr/bin/env bash
# No function of the core copies the pool: a copy retains each of its hundred arrays and releases
# them later, and what is written meanwhile copies a whole array first.
#   pool-copies.sh BINARY
# Names every function of a release build that copies `Pool` and is not listed below. Fails as well
# where a check that has to copy is not found, for then nothing would be found.
set -euo pipefail

binary=$1
# Checks that build a second pool to compare with.
wanted='Pool.checkDegradation()
Pool.checkIndexes()'
# Questions that are worked out on a copy of their own.
asked='Pool.defragmentation(for:)
Pool.defragmentation(for:claims:)
Pool.image()'
# Answers of the tool, which look at a pool that nobody changes meanwhile.
tolerated='(AlternativesView|BoundsPage|ExplainAnswer|LiveView|PoolView|PressureView|Scene|StreamAnswer)\.|^PlaceSession\.look\(\)$'

for tool in objdump swift; do
  if ! command -v "$tool" >/dev/null; then
    echo "error: $tool is missing; it comes with binutils or with Swift" >&2
    exit 1
  fi
done
if [ ! -x "$binary" ]; then
  echo "error: $binary is missing" >&2
  exit 1
fi

# A copy is a call of an outlined function (WOc makes one, WOf puts one in the place of another; Tm
# where it is shared) or of the entry of the type's table for either (wcp, wca).
copiers=$(objdump -d --no-show-raw-insn "$binary" |
  awk '/^[0-9a-f]+ <.*>:$/ { name = substr($2, 2, length($2) - 3) }
    /(call|jmp).*<\$s13PoolAllocator0A0V(WO[cf](Tm)?|wcp|wca)>/ { print name }' |
  swift demangle -simplified -compact | sort -u)

status=0
while read -r name; do
  if ! grep -qxF -- "$name" <<<"$copiers"; then
    echo "error: $name is not found to copy the pool" >&2
    status=1
  fi
done <<<"$wanted"
others=$(grep -vxF -- "$wanted"$'\n'"$asked" <<<"$copiers" | grep -vE -- "$tolerated" || true)
if [ -n "$others" ]; then
  echo 'error: these copy the pool (CONTRIBUTING.md, "Copies of the pool"):' >&2
  sed 's/^/  /' <<<"$others" >&2
  status=1
fi
[ "$status" -eq 0 ] || exit 1
echo "$(wc -l <<<"$copiers") functions copy the pool, all of them known"
