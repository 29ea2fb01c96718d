//! Gives `netweave_fuzz::identity` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::identity::run(bytes));
