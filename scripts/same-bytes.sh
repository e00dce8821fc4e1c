#!/usr/bin/env bash
# Lives seeds in two processes and two builds and compares what they print, byte by byte, but for
# the speed.
#   same-bytes.sh PROGRAM OTHER
set -euo pipefail

seeds=12
steps=3000
for ((seed = 0; seed < seeds; seed++)); do
  first=
  for program in "$1" "$1" "$2"; do
    line=$("$program" run --seed "$seed" --steps "$steps" | tail -n 1 |
      sed -E 's/,"steps_per_second":[0-9]+//')
    if [[ -z $first ]]; then
      first=$line
    elif [[ $line != "$first" ]]; then
      printf 'error: seed %d differs:\n%s\n%s (%s)\n' "$seed" "$first" "$line" "$program" >&2
      exit 1
    fi
  done
done
echo "same bytes: $seeds seeds of $steps steps, two processes and two builds"
