//! `byokey demo`: the whole life of a login, on this machine alone.
//!
//! It starts the loopback backend in this process and the real server as a child, acts as the host,
//! and shows the messages between the three, chapter by chapter:
//!
//! ```text
//!  5  The token expires
//!     On a 401, byokey asks the host for a new token and repeats the call.
//!     host → byokey     turn/start [8] {"input":[{"text":"Hello, is anybody…
//!     byokey → backend  POST …/codex/responses ‹token of alice #402b› 401
//!     host ← byokey     account/chatgptAuthTokens/refresh [0] {"reason":"un…
//!     host → byokey     answer [0] {"accessToken":‹token of alice, 293 byte…
//!     byokey → backend  POST …/codex/responses ‹token of alice #c05e› 200
//!     ✓ byokey asked for a new token and said why
//! ```
//!
//! Each chapter checks what it shows. The last line is the result, and the exit code agrees with
//! it.
//!
//! The host uses `byokey-rpc` and knows only the program of the server.
//!
//! Imports run one way: `story`, which lists the chapters, → `bearer`, `account`, `turn`, `renewal`,
//! `ends` → `scenario` → `report` → `host` → `link` → `screen` → `abbreviate`, `line` → `json`, `style`,
//! `tokens`.

mod abbreviate;
mod account;
mod bearer;
mod ends;
mod host;
mod json;
mod line;
mod link;
mod renewal;
mod report;
mod scenario;
mod screen;
mod story;
mod style;
mod tokens;
mod turn;

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, Script};
use serde_json::json;

use host::Host;
use link::{Event, Link};
use scenario::{Scenario, Spawn};
use screen::Screen;
use tokens::Tokens;

/// Timeout of each step. None takes a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// The delay between two deltas of a streamed reply, so that the streaming is visible.
const PIECE_DELAY: Duration = Duration::from_millis(25);

/// How long a backend call waits for lines that the server wrote before it, so that messages are
/// shown in the order in which they were sent. The response waits as long.
const LINE_DELAY: Duration = Duration::from_millis(5);

/// Runs the scenario on standard output, with this program as the server. Returns whether all
/// checks passed.
///
/// # Errors
///
/// When the backend or the server cannot be started.
pub fn run(program: &Path) -> io::Result<bool> {
    let tokens = Arc::new(Tokens::made_up());
    let screen = Screen::of_stdout(Arc::clone(&tokens));
    let scenario = set_the_stage(program, tokens, screen)?;
    Ok(story::run(scenario).is_good())
}

/// Starts the backend and the server.
fn set_the_stage(program: &Path, tokens: Arc<Tokens>, screen: Screen) -> io::Result<Scenario> {
    let (events, heard) = channel();
    let backend = start_backend(events.clone(), PIECE_DELAY)?;
    let program = program.to_owned();
    let spawn: Spawn =
        Box::new(move |settings| Link::spawn(&program, settings, events.clone(), PATIENCE));
    let host = Host::new(spawn(&settings(&backend))?, heard, PATIENCE, screen);
    Ok(Scenario::new(host, backend, tokens, spawn))
}

fn start_backend(events: Sender<Event>, piece_delay: Duration) -> io::Result<DevBackend> {
    let step = json!({"deltaDelayMs": piece_delay.as_millis(), "repeat": 0});
    let script = Script::from_value(json!({"routes": {"responses": [step]}}));
    let options = Options::new()
        .script(script.map_err(io::Error::other)?)
        .on_request(move |exchange| {
            thread::sleep(LINE_DELAY);
            // After the end of the scenario there is no receiver.
            drop(events.send(Event::Backend(exchange.clone())));
        });
    DevBackend::start(options)
}

/// Returns settings that keep the server's traffic on this machine, whatever the credential.
fn settings(backend: &DevBackend) -> [String; 2] {
    let url = backend.base_url();
    [
        format!("chatgpt_base_url={url}/backend-api"),
        format!("openai_base_url={url}/v1"),
    ]
}
