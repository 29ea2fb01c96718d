//! Gives `netweave_fuzz::exclusion` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::exclusion::run(bytes));
