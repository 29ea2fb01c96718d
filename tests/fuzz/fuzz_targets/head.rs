//! Gives `netweave_fuzz::head` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::head::run(bytes));
