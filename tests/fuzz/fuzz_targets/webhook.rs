//! Gives `netweave_fuzz::webhook` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::webhook::run(bytes));
