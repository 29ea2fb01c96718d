//! Gives `netweave_fuzz::vmware` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netweave_fuzz::vmware::run(bytes));
