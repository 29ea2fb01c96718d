//! Gives `netweave_fuzz::inventory` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::inventory::run(bytes));
