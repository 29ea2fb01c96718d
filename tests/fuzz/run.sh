#!/bin/sh
# Fuzzes one target (filter, exclusion, jwt, object) for some seconds, 60 if not said. Needs a C++ compiler, no nightly Rust:
# coverage comes from stable compiler flags. A finding ends it with the input's file name and a non-zero status.
set -eu
cd "$(dirname "$0")"
target=${1:?usage: run.sh TARGET [SECONDS]}
seconds=${2:-60}
host=$(rustc -vV | sed -n 's/^host: //p')
folder=${CARGO_TARGET_DIR:-target}
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
cargo build --release --target "$host" --bin "$target"
mkdir -p "$folder/corpus/$target"
exec "$folder/$host/release/$target" -max_total_time="$seconds" -max_len=4096 -dict=query.dict \
  -artifact_prefix="$folder/corpus/" "$folder/corpus/$target"
