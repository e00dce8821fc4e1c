#!/usr/bin/env bash
# Writes the completions of programs for bash, zsh and fish, where their packages look for them.
#   completions.sh FOLDER PROGRAM...
set -euo pipefail

folder=$1
shift
mkdir -p "$folder/bash" "$folder/zsh" "$folder/fish"
for program in "$@"; do
  name=$(basename "$program")
  "$program" --generate-completion-script bash >"$folder/bash/$name"
  "$program" --generate-completion-script zsh >"$folder/zsh/_$name"
  "$program" --generate-completion-script fish >"$folder/fish/$name.fish"
done
