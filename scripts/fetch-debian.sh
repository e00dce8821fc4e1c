# Sourced. fetch_debian PACKAGE: unpacks a package of Debian's non-free part into $work/PACKAGE,
# through a configuration of its own: the machine's list of sources stays as it is, and nothing is
# installed.
fetch_debian() {
  command -v apt-get >/dev/null || return 1
  local apt=$work/apt
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/deb"
  local release
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
  local mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release non-free" \
    >"$apt/sources.list"
  local options=(
    -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=-
    -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" -qq update \
    && (cd "$apt/deb" && apt-get "${options[@]}" -qq download "$1") \
    && dpkg-deb -x "$apt/deb/$1"_*.deb "$work/$1"
}
