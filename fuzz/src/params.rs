//! Any parameters for any method: one response, and never an internal error.

use std::{iter, str};

use byokey_protocol::methods::ClientRequest;
use serde_json::value::RawValue;

use crate::conversation::{LIMIT, converse, messages};

const INITIALIZE: &str = "{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientInfo\":\
    {\"name\":\"fuzz\",\"version\":\"1\"}}}";

/// The first line names the method, the rest are its parameters.
///
/// # Panics
///
/// When there is not exactly one response, or it is an internal error.
pub fn params(input: &[u8]) {
    let Some((name, params)) = str::from_utf8(input)
        .ok()
        .and_then(|input| input.split_once('\n'))
    else {
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
    let output = messages(&converse(iter::once(text.as_bytes())));
    let answers: Vec<_> = output
        .iter()
        .filter(|message| message.get("id").is_some_and(|id| *id == 1 || id.is_null()))
        .collect();
    let [answer] = answers.as_slice() else {
        panic!("{text}: {output:?}");
    };
    let error = &answer["error"];
    let is_fault = error["code"] == -32603 && error["data"].is_null();
    assert!(!is_fault, "{text}: {error}");
}
