//! Gives `netweave_fuzz::audit` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::audit::run(bytes));
