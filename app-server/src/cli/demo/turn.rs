//! The chapter with a model's reply, and turns for the other chapters.

use byokey_dev_backend::Route;
use serde_json::{Value, json};

use super::account::DEFAULT_MODEL;
use super::host::Stop;
use super::play::Play;

/// The user's message in every turn.
const SAID: &str = "Hello, is anybody there?";
/// The loopback backend's reply.
const REPLY: &str = "You said: Hello, is anybody there?";

pub(super) fn streamed(play: &mut Play) -> Result<(), Stop> {
    let answer = play.host.call("thread/start", json!({}))?;
    play.host.notification("thread/started")?;
    play.thread_id = answer["result"]["thread"]["id"].clone();
    start(play)?;
    let pieces = complete(play)?;
    let model = &answer["result"]["model"];
    play.claim("the model is the default one", model, DEFAULT_MODEL)?;
    play.claim("the reply came in several pieces", &json!(pieces > 1), true)?;
    let tokens = play.tokens.clone();
    let alice = [&tokens.alice[0]];
    play.claim_tokens(
        "it was asked for with Alice's token",
        Route::Responses,
        &alice,
    )
}

/// Starts a turn.
pub(super) fn start(play: &mut Play) -> Result<(), Stop> {
    let input = json!([{"type": "text", "text": SAID}]);
    let params = json!({"threadId": play.thread_id, "input": input});
    play.host.call("turn/start", params)?;
    Ok(())
}

/// Waits for the end of the turn and returns the number of deltas of the reply.
pub(super) fn complete(play: &mut Play) -> Result<usize, Stop> {
    let completed = play.host.notification("turn/completed")?;
    let deltas = play.host.overheard("item/agentMessage/delta");
    let reply: String = deltas
        .iter()
        .filter_map(|delta| delta["delta"].as_str())
        .collect();
    play.claim(
        "the turn is complete",
        &completed["turn"]["status"],
        "completed",
    )?;
    play.claim("the whole reply arrived", &Value::from(reply), REPLY)?;
    Ok(deltas.len())
}
