//! Whatever one client does, it is bounded: in memory, in descriptors, and in what of it is kept.
//! Each test prints what the program grew by, in the gate the one that ships.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "figures are part of what a test tells")]

mod conversations;
mod crowd;
mod messages;
mod parameters;
mod requests;

use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, TestToken};
use byokey_tests::turns::MODEL;
use byokey_tests::{Host, Listening, ProcessStatus, Refused, Setup, byokey_measured};
use serde_json::{Value, json};

/// What the memory may grow by, in KiB.
const MOST: u64 = 20 * 1024;
/// Nearly the longest message.
const LONG: usize = 4_000_000;

/// A server on a Unix socket with one host of it, signed in.
struct Stage {
    listening: Listening,
    host: Host,
    before: ProcessStatus,
    descriptors: usize,
}

impl Stage {
    async fn set(backend: &DevBackend) -> Self {
        let mut stage = Self::signed_out(Setup::default().backend(backend)).await;
        stage
            .host
            .login(&TestToken::new("ada").encode(), "ws-1")
            .await;
        stage
    }

    async fn signed_out(setup: Setup) -> Self {
        let listening = Listening::start(setup.program(byokey_measured()), "unix://").await;
        let mut host = listening.unix_host().await;
        // A message of this length comes first, so that the memory it is read into does not count.
        let ask =
            json!({"id": "warm", "method": "account/read", "params": {"x": "x".repeat(LONG)}});
        host.send(&ask).await;
        host.answer("warm").await.unwrap();
        let pid = listening.server.pid();
        Self {
            before: ProcessStatus::of(pid),
            descriptors: ProcessStatus::descriptors(pid),
            listening,
            host,
        }
    }

    /// Prints how much the memory has grown at most, and holds it to the limit.
    fn check(&self, what: &str) {
        self.check_within(what, MOST);
    }

    fn check_within(&self, what: &str, most: u64) {
        let after = ProcessStatus::of(self.listening.server.pid());
        let grown = after.resident_peak.saturating_sub(self.before.resident);
        println!("figure: {what}: peak memory +{grown} KiB");
        assert!(grown <= most, "{what}: {grown} KiB");
    }

    fn open(&self, what: &str) -> usize {
        let now = ProcessStatus::descriptors(self.listening.server.pid());
        let open = now.saturating_sub(self.descriptors);
        println!("figure: {what}: +{open} descriptors");
        open
    }

    /// Another client is served meanwhile.
    async fn others_are_served(&self) {
        let mut other = self.listening.unix_host().await;
        other.request("account/read", json!({})).await.unwrap();
    }
}

/// How long what waits for an answer keeps its place at least.
const DEADLINE: Duration = Duration::from_secs(8);

/// Returns how many of `waiting` places may have been taken since then, one after the other: those
/// that wait have a deadline, after which there is room again. On any but a slow machine each is
/// taken once.
fn places(waiting: usize, since: Instant) -> usize {
    let rounds = since.elapsed().as_secs() / DEADLINE.as_secs();
    waiting * (1 + usize::try_from(rounds).unwrap())
}

/// Sends requests, of which so many may wait for their answers and the others may not. Returns the
/// ids of those that wait.
async fn many(
    host: &mut Host,
    waiting: usize,
    count: usize,
    method: &str,
    params: Value,
) -> Vec<i64> {
    let (begun, mut ids) = (Instant::now(), Vec::new());
    for _ in 0..count {
        ids.push(host.start(method, params.clone()).await);
    }
    let (others, mut taken) = (ids.split_off(waiting), waiting);
    for id in others {
        let answer = host.answer(id).await;
        taken += usize::from(!is_overloaded(&answer));
    }
    let most = places(waiting, begun);
    assert!(
        taken <= most,
        "{taken} of {count} were taken, {most} places"
    );
    ids
}

fn is_overloaded(answer: &Result<Value, Refused>) -> bool {
    answer
        .as_ref()
        .is_err_and(|refused| refused.kind() == "overloaded")
}

/// A JSON text that repeats a piece up to the length of a long message.
fn repeated(piece: &str) -> Value {
    let count = LONG / (piece.len() + 1);
    let list = vec![piece; count].join(",");
    serde_json::from_str(&format!("[{list}]")).unwrap()
}

/// Starts a thread with instructions of this length and returns its id.
async fn thread(host: &mut Host, instructions: usize) -> Value {
    let params = json!({"model": MODEL, "baseInstructions": "x".repeat(instructions)});
    let started = host.request("thread/start", params).await;
    started.unwrap()["thread"]["id"].take()
}

async fn say(host: &mut Host, thread: &Value, text: &str) -> Result<Value, Refused> {
    let input = json!([{"type": "text", "text": text}]);
    let turn = json!({"threadId": thread, "input": input});
    host.request("turn/start", turn).await?;
    Ok(host.notification("turn/completed").await["turn"].take())
}
