//! Gives `netweave_fuzz::aws` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::aws::run(bytes));
