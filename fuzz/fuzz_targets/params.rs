//! Any parameters for any method: one answer, and none of them a fault of this program.
#![no_main]

use byokey_fuzz::{LIMIT, converse, messages};
use byokey_protocol::methods::ClientRequest;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

const INITIALIZE: &str = "{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientInfo\":\
    {\"name\":\"fuzz\",\"version\":\"1\"}}}";

fuzz_target!(|input: &str| {
    // The first line names the method, the rest are its parameters.
    let Some((name, params)) = input.split_once('\n') else {
        return;
    };
    let Some(method) = ClientRequest::from_name(name) else {
        return;
    };
    let params = params.replace('\n', " ");
    if params.len() > LIMIT / 2 || serde_json::from_str::<&RawValue>(&params).is_err() {
        return;
    }
    let name = method.name();
    let text = format!("{INITIALIZE}\n{{\"id\":1,\"method\":\"{name}\",\"params\":{params}}}\n");
    let output = messages(&converse(std::iter::once(text.as_bytes())));
    let answers: Vec<_> = output
        .iter()
        .filter(|message| message.get("id").is_some_and(|id| *id == 1 || id.is_null()))
        .collect();
    assert_eq!(answers.len(), 1, "{text}: {output:?}");
    let error = &answers[0]["error"];
    let is_fault = error["code"] == -32603 && error["data"].is_null();
    assert!(!is_fault, "{text}: {error}");
});
