# Installs what a script of this repository needs from Debian: sourced, not run.

# Installs the packages of those programs that are missing, and says which. Nothing happens when all are there.
needs() { # program:package[,package]...
  local pair packages missing=() sudo=
  for pair; do
    ! command -v "${pair%%:*}" >/dev/null || continue
    IFS=, read -ra packages <<<"${pair#*:}"
    missing+=("${packages[@]}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  echo "installing Debian packages: ${missing[*]}" >&2
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# What a build of the workspace needs beside Rust: a linker and compiler for C, and cmake for zlib-ng.
needs_to_build() { needs cc:gcc,libc6-dev make:make cmake:cmake; }
