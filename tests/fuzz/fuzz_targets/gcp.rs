//! Gives `netweave_fuzz::gcp` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::gcp::run(bytes));
