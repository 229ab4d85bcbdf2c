//! The chapter with a model's reply, and turns for the other chapters.

use byokey_dev_backend::Route;
use serde_json::{Value, json};

use super::account::DEFAULT_MODEL;
use super::host::Stop;
use super::scenario::Scenario;

/// The user's message in every turn.
const SAID: &str = "Hello, is anybody there?";
/// The loopback backend's reply.
const REPLY: &str = "You said: Hello, is anybody there?";

pub(super) fn streamed(scenario: &mut Scenario) -> Result<(), Stop> {
    let answer = scenario.host.call("thread/start", json!({}))?;
    scenario.host.notification("thread/started")?;
    scenario.thread_id = answer["result"]["thread"]["id"].clone();
    start(scenario)?;
    let pieces = complete(scenario)?;
    let model = &answer["result"]["model"];
    scenario.check("the model is the default one", model, DEFAULT_MODEL)?;
    scenario.check("the reply came in several pieces", &json!(pieces > 1), true)?;
    let tokens = scenario.tokens.clone();
    let alice = [&tokens.alice[0]];
    scenario.check_tokens(
        "it was asked for with Alice's token",
        Route::Responses,
        &alice,
    )
}

/// Starts a turn.
pub(super) fn start(scenario: &mut Scenario) -> Result<(), Stop> {
    let input = json!([{"type": "text", "text": SAID}]);
    let params = json!({"threadId": scenario.thread_id, "input": input});
    scenario.host.call("turn/start", params)?;
    Ok(())
}

/// Waits for the end of the turn and returns the number of deltas of the reply.
pub(super) fn complete(scenario: &mut Scenario) -> Result<usize, Stop> {
    let completed = scenario.host.notification("turn/completed")?;
    let deltas = scenario.host.overheard("item/agentMessage/delta");
    let reply: String = deltas
        .iter()
        .filter_map(|delta| delta["delta"].as_str())
        .collect();
    scenario.check(
        "the turn is complete",
        &completed["turn"]["status"],
        "completed",
    )?;
    scenario.check("the whole reply arrived", &Value::from(reply), REPLY)?;
    Ok(deltas.len())
}
