#!/usr/bin/env bash
# Writes the man pages of programs, made of their own help; with --check compares them instead.
#   man-pages.sh [--check] FOLDER PROGRAM...
set -euo pipefail

check=
if [ "${1:-}" = --check ]; then
  check=1
  shift
fi
folder=$1
shift
here=$(dirname "$0")
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

for program in "$@"; do
  page=$(basename "$program").1
  "$program" --experimental-dump-help | "$here/man-page.py" >"$made/$page"
  if [ -z "$check" ]; then
    mkdir -p "$folder"
    cp "$made/$page" "$folder/$page"
  elif ! diff -u "$folder/$page" "$made/$page"; then
    echo "error: $folder/$page is old: make man" >&2
    exit 1
  fi
done
