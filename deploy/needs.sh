# shellcheck shell=bash
# Gets what a script of this repository needs from Debian: sourced, not run.

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# Installs the packages of those programs that are missing, and says which. Nothing happens when all are there.
needs() { # program:package[,package]...
  local pair packages missing=()
  for pair; do
    ! command -v "${pair%%:*}" >/dev/null || continue
    IFS=, read -ra packages <<<"${pair#*:}"
    missing+=("${packages[@]}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing Debian packages: ${missing[*]}" >&2
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# What a build of the workspace needs beside Rust: a linker and compiler for C, and cmake for zlib-ng.
needs_to_build() { needs cc:gcc,libc6-dev make:make cmake:cmake; }

# Puts the Python packages that a file names, and nothing else, into an environment of their own, once.
python_packages() { # file folder
  ! cmp -s "$1" "$2/.stamp" || return 0
  needs python3:python3,python3-venv
  python3 -c 'import ensurepip' 2>/dev/null || needs ensurepip:python3-venv
  echo "installing what $(basename "$1") names" >&2
  python3 -m venv --clear "$2"
  "$2/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$1"
  cp "$1" "$2/.stamp"
}

# Unpacks a package into a folder, once, without installing it: an installed package starts its service. Libraries that it
# needs and few have go there, too.
unpacked() { # package folder [library...]
  local package=$1 folder=$2 file
  shift 2
  [ ! -e "$folder/.unpacked" ] || return 0
  echo "fetching Debian's $package" >&2
  mkdir -p "$folder"
  as_root apt-get update -qq
  (cd "$folder" && apt-get download -qq "$package" "$@" && for file in *.deb; do dpkg -x "$file" . || exit; done &&
    rm ./*.deb && touch .unpacked)
}

# Unpacks packages of another Debian suite into a folder, once. The source is the machine's own, with that suite's name;
# what apt knows of it stays in the folder.
unpacked_from() { # suite folder package...
  local suite=$1 dir=$2 options file
  shift 2
  [ ! -e "$dir/.unpacked" ] || return 0
  echo "fetching $* of Debian's $suite" >&2
  mkdir -p "$dir/apt/parts" "$dir/apt/lists/partial"
  dir=$(cd "$dir" && pwd)
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    case $file in
      *.sources) awk -v RS= -v ORS='\n\n' '!/security/' "$file" | sed "s/^Suites:.*/Suites: $suite/" ;;
      *) ! [ -f "$file" ] || sed -nE "/security/d; s/^(deb (\[[^]]*\] )?[^ ]+) [^ ]+/\1 $suite/p" "$file" ;;
    esac >"$dir/apt/parts/$(basename "$file" | sed 's/sources\.list$/main.list/')"
  done
  options=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$dir/apt/parts" -o "Dir::State::lists=$dir/apt/lists"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
  as_root apt-get "${options[@]}" update -qq
  (cd "$dir" && apt-get "${options[@]}" download -qq "${@/%//$suite}" && for file in *.deb; do dpkg -x "$file" .; done)
  as_root rm -rf "$dir/apt" "$dir"/*.deb
  touch "$dir/.unpacked"
}
