#!/usr/bin/env bash
# Builds the gateway as it is shipped: target/shipped/netweave.
#
#   deploy/release.sh
#
# The compiler is told what is called often: the program is built once to count that, sends the load `training` of the benches to
# itself, and is built again by what was counted (docs/adr/0014-profile-guided-builds.md). That takes three times as long as
# `cargo build --release`, whose program does the same. Needs Rust; the rest comes from Debian where it is missing: LLVM's
# llvm-profdata, of the version that rustc has, and the Redis of the load.
set -euo pipefail
shopt -s inherit_errexit

cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/needs.sh
needs_to_build

OUT=$(realpath -m "${CARGO_TARGET_DIR:-target}")
HOST=$(rustc -vV | sed -n 's/^host: //p')
COUNTING=$OUT/counting SHIPPED=$OUT/shipped COUNTS=$OUT/counting/counts

# Prints the path of llvm-profdata: the toolchain's own, or that of Debian's latest suite, which has the LLVM of a new rustc.
profdata() {
  local own major dir lib=usr/lib/x86_64-linux-gnu
  own=$(rustc --print sysroot)/lib/rustlib/$HOST/bin/llvm-profdata
  [ ! -x "$own" ] || { echo "$own"; return; }
  major=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
  [ "$(uname -m)" = x86_64 ] || { echo "release.sh: llvm-profdata is missing: rustup component add llvm-tools" >&2; return 1; }
  dir=$OUT/tools/llvm-$major
  unpacked_from sid "$dir" "llvm-$major" "libllvm$major" libc6 libstdc++6 libgcc-s1 libz3-4 libzstd1 zlib1g libedit2 libffi8 libtinfo6 \
    libbsd0 libmd0 libxml2-16 >&2
  cat >"$dir/llvm-profdata" <<SCRIPT
#!/bin/sh
exec "$dir/$lib/ld-linux-x86-64.so.2" --library-path "$dir/$lib" "$dir/usr/lib/llvm-$major/bin/llvm-profdata" "\$@"
SCRIPT
  chmod +x "$dir/llvm-profdata"
  echo "$dir/llvm-profdata"
}

# Builds packages with flags of the compiler; --target keeps the flags from what runs while building.
build() { # folder flags package...
  local folder=$1 flags=$2
  shift 2
  CARGO_TARGET_DIR=$folder RUSTFLAGS="${RUSTFLAGS:-} $flags" cargo build --release --locked --target "$HOST" "${@/#/--package=}"
}

# Sends the load to the program that counts. Only what the gateway counts is kept.
train() {
  local programs=$COUNTING/$HOST/release counting=$COUNTING/netweave
  cat >"$counting" <<SCRIPT
#!/bin/sh
LLVM_PROFILE_FILE="$COUNTS/%p.profraw" exec "$programs/netweave" "\$@"
SCRIPT
  chmod +x "$counting"
  rm -rf "$COUNTS"
  mkdir -p "$COUNTS"
  needs redis-check-rdb:redis-tools # which is redis-server, by another name
  ln -sf "$(command -v redis-check-rdb)" "$COUNTING/redis-server"
  BENCH_FOLDER=$(mktemp -d)
  trap 'rm -rf "$BENCH_FOLDER"' EXIT
  export BENCH_FOLDER
  LLVM_PROFILE_FILE=/dev/null BENCH_NETWEAVE=$counting BENCH_OUT=$COUNTING BENCH_REDIS=$COUNTING/redis-server "$programs/netweave-load" training
}

PROFDATA=$(profdata)
build "$COUNTING" -Cprofile-generate netweave netweave-benches
train
"$PROFDATA" merge -o "$COUNTS/all.profdata" "$COUNTS"/*.profraw
# All anew: cargo builds again for other flags, but not for another profile.
rm -rf "$SHIPPED"
mkdir -p "$SHIPPED"
mv "$COUNTS/all.profdata" "$SHIPPED"
build "$SHIPPED" "-Cprofile-use=$SHIPPED/all.profdata" netweave
cp "$SHIPPED/$HOST/release/netweave" "$SHIPPED/netweave"
"$SHIPPED/netweave" --version
