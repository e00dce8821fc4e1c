#!/usr/bin/env bash
# Finds a Swift toolchain that can build this package and leaves its folder in a stamp file.
#   bootstrap.sh STAMP
# Says what is missing. As root on Debian it installs missing system packages by apt-get; a Swift
# toolchain it never installs. Says nothing when nothing is missing.
set -euo pipefail

stamp=${1:-.build/bootstrap.stamp}
needed_major=6
needed_minor=2
# What Debian 12 must have for Swift to compile, link and start.
packages=(binutils gcc git libc6-dev libcurl4 libgcc-12-dev libncurses6 libsqlite3-0
  libstdc++-12-dev libxml2 tzdata zlib1g-dev)

note() { printf 'bootstrap: %s\n' "$*" >&2; }

is_fresh() {
  [ -s "$stamp" ] && [ "$stamp" -nt "$0" ] && [ -x "$(cat "$stamp")/swift" ]
}

# Prints MAJOR.MINOR of a swift command; nothing when it is not a Swift compiler that starts.
version_of() {
  "$1" --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1
}

is_new_enough() {
  local major=${1%%.*} minor=${1#*.}
  [ "$major" -gt "$needed_major" ] ||
    { [ "$major" -eq "$needed_major" ] && [ "$minor" -ge "$needed_minor" ]; }
}

# Prints every folder that holds a swift command, the search path first, each once.
candidates() {
  local folder
  IFS=: read -ra folders <<<"$PATH"
  for folder in "${folders[@]}" /opt/swift/usr/bin /usr/share/swift/usr/bin \
    "${HOME:-/root}/.local/share/swiftly/bin"; do
    [ -x "$folder/swift" ] && echo "$folder"
  done | awk '!seen[$0]++'
}

# Prints the folder of the first toolchain that is new enough.
find_toolchain() {
  local folder version
  while read -r folder; do
    version=$(version_of "$folder/swift") || version=
    if [ -n "$version" ] && is_new_enough "$version"; then
      (cd "$folder" && pwd)
      return 0
    fi
    note "passed over $folder/swift: ${version:-not a Swift compiler that starts}"
  done < <(candidates)
  return 1
}

# True when the toolchain compiles and links C, C++ and Swift here, and git, objdump and swift-build
# start.
# The messages of what failed go to the log.
can_build() {
  local bin=$1 work=$2 clang
  clang=$bin/clang
  [ -x "$clang" ] || clang=$(command -v clang) || clang=
  [ -n "$clang" ] || { echo 'clang: not found' && return 1; }
  echo '#include <stdio.h>
int main(void) { return puts("") < 0; }' >"$work/c.c"
  echo '#include <string>
int main() { return static_cast<int>(std::string().size()); }' >"$work/cpp.cpp"
  echo 'print("")' >"$work/main.swift"
  git --version && objdump --version &&
    "$clang" "$work/c.c" -o "$work/c" &&
    "$clang" "$work/cpp.cpp" -lstdc++ -o "$work/cpp" &&
    "$bin/swiftc" "$work/main.swift" -o "$work/swift" &&
    "$work/c" && "$work/cpp" && "$work/swift" &&
    "$bin/swift" build --version
}

# True when a toolchain is there but does not start for want of a system library.
lacks_libraries() {
  local folder answer
  while read -r folder; do
    answer=$("$folder/swift" --version 2>&1) && continue
    case $answer in *'shared librar'*) return 0 ;; esac
  done < <(candidates)
  return 1
}

install_packages() {
  if ! command -v apt-get >/dev/null; then
    note "install the C and C++ development files of your system, binutils and git"
    return 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    note "run: sudo apt-get update && sudo apt-get install -y ${packages[*]}"
    return 1
  fi
  note "installing with apt-get: ${packages[*]}"
  apt-get -qq update >&2 &&
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
      "${packages[@]}" >&2
}

main() {
  is_fresh && return 0
  local bin
  if lacks_libraries; then install_packages || return 1; fi
  if ! bin=$(find_toolchain); then
    note "needs Swift $needed_major.$needed_minor or newer, and found none on the search path," \
      "in /opt/swift, in /usr/share/swift or under swiftly"
    note "get it from https://www.swift.org/install/linux/ (Debian 12) and put its usr/bin on PATH"
    return 1
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  if ! can_build "$bin" "$work" >"$work/log" 2>&1; then
    note "the toolchain in $bin cannot build yet:"
    tail -n 5 "$work/log" >&2
    install_packages || return 1
    if ! can_build "$bin" "$work" >"$work/log" 2>&1; then
      note "and still cannot:"
      cat "$work/log" >&2
      return 1
    fi
  fi
  mkdir -p "$(dirname "$stamp")"
  echo "$bin" >"$stamp"
}

main
