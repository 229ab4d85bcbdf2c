//! Lets libFuzzer choose the input.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| byokey_fuzz::callback_request(input));
