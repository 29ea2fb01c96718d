//! Gives `netweave_fuzz::object` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::object::run(bytes));
