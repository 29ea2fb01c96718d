//! Gives `netweave_fuzz::jwt` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::jwt::run(bytes));
