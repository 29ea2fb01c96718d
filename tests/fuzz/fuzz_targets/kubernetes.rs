//! Gives `netweave_fuzz::kubernetes` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::kubernetes::run(bytes));
