//! Gives `netweave_fuzz::filter` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::filter::run(bytes));
