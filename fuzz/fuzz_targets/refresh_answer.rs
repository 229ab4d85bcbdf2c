//! Runs the target under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| byokey_fuzz::refresh_answer(input));
