#!/bin/sh
# Fuzzes a target, or all one after the other, for some seconds each:
#
#   tests/fuzz/run.sh TARGET [SECONDS]    60 seconds if not said; targets are the folders of corpus
#   tests/fuzz/run.sh all SECONDS
#
# Needs a C++ compiler, no nightly Rust: coverage comes from stable compiler flags. What is new goes to a corpus beside the
# build, never into the repository. A finding ends it with the input's file name and a non-zero status.
set -eu
cd "$(dirname "$0")"
target=${1:?usage: run.sh TARGET|all [SECONDS]}
seconds=${2:-60}
host=$(rustc -vV | sed -n 's/^host: //p')
folder=${CARGO_TARGET_DIR:-target}
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"

fuzz() { # target
  mkdir -p "$folder/corpus/$1"
  "$folder/$host/release/$1" -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -dict="$(dictionary "$1")" \
    -artifact_prefix="$folder/corpus/$1-" "$folder/corpus/$1" "corpus/$1"
}
dictionary() { # target
  case $1 in
    aws | vmware) echo xml.dict ;;
    *) echo query.dict ;;
  esac
}

if [ "$target" = all ]; then
  cargo build --release --locked --target "$host" --bins
  for folder_of in corpus/*; do fuzz "${folder_of#corpus/}"; done
else
  cargo build --release --locked --target "$host" --bin "$target"
  fuzz "$target"
fi
