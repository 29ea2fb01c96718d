//! Gives `netweave_fuzz::conf` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::conf::run(bytes));
