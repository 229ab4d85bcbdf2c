//! Runs a transcript step by step, and reports where the server deviates.

use std::collections::BTreeMap;
use std::time::Duration;

use byokey_base::clock::Clock as _;
use byokey_dev_backend::{DevBackend, Options};
use serde_json::{Value, json};

use super::file::{Step, Transcript, place};
use super::fill::{Names, evaluate, fill};
use super::pattern::Pattern;
use super::script::Prompter;
use super::stage::{Mode, Stage, StageClock};
use super::wire::{Wire, in_time, real_time};

/// How long silence must last to count as such.
const SILENCE: Duration = Duration::from_millis(250);

/// Runs a transcript.
///
/// # Errors
///
/// File, line, the expected and the actual message.
pub fn play(transcript: &Transcript, mode: Mode) -> Result<(), String> {
    let paused = mode == Mode::Memory && transcript.moves_the_clock();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(paused)
        .build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let backend = DevBackend::start(Options::new()).map_err(|error| error.to_string())?;
    let played = runtime.block_on(async {
        let mut player = Player {
            stage: Stage::set(mode, transcript, &backend),
            wires: BTreeMap::new(),
            names: Names::from([("backend".to_owned(), backend.base_url().into())]),
            prompter: Prompter::new(&backend),
            now: StageClock::new(paused).unix_seconds(),
            next_id: 1000,
        };
        player.perform(transcript).await?;
        player
            .end()
            .await
            .map_err(|problem| format!("{} (at the end): {problem}", transcript.name))
    });
    runtime.shutdown_background();
    played
}

struct Player<'a> {
    stage: Stage,
    wires: BTreeMap<usize, Wire>,
    names: Names,
    prompter: Prompter<'a>,
    now: i64,
    next_id: i64,
}

impl Player<'_> {
    async fn perform(&mut self, transcript: &Transcript) -> Result<(), String> {
        let mut steps = transcript.steps.iter().peekable();
        while let Some(step) = steps.next() {
            let mut done = Box::pin(self.step(&step.value)).await;
            if let Step::HearAnyOrder(peer, first) = &step.value {
                let mut patterns = vec![first.as_str()];
                while let Some(next) = steps.next_if(|next| is_any_order(&next.value, *peer)) {
                    if let Step::HearAnyOrder(_, pattern) = &next.value {
                        patterns.push(pattern);
                    }
                }
                done = self.hear_any_order(*peer, patterns).await;
            }
            let place = place(&transcript.name, step.number);
            done.map_err(|problem| format!("{place}: {problem}\n  rule: {}", transcript.rule))?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Bind(name, text) => {
                let value = evaluate(text, self.now, &self.names)?;
                self.names.insert(name.clone(), value);
            }
            Step::Say(peer, message) => {
                let message = fill(message, &self.names)?;
                self.wire(*peer)?.say(&message).await?;
            }
            Step::SayRaw(peer, bytes) => {
                let bytes = unescape(&fill(bytes, &self.names)?)?;
                self.wire(*peer)?.say_raw(&bytes).await?;
            }
            Step::Hear(peer, pattern) => self.hear(*peer, pattern).await?,
            Step::HearEventually(peer, pattern) => self.hear_eventually(*peer, pattern).await?,
            Step::HearAnyOrder(..) => {}
            Step::HearRaw(peer, bytes) => {
                let expected = unescape(bytes)?;
                let got = self.wire(*peer)?.hear_raw(expected.len()).await?;
                if got != expected {
                    let got = String::from_utf8_lossy(&got).into_owned();
                    return Err(format!("expected {bytes}, got {got:?}"));
                }
            }
            Step::HearNothing(peer) => {
                if let Some(message) = self.wire(*peer)?.overhear(SILENCE).await? {
                    return Err(format!("expected nothing, got {}", message.trim_end()));
                }
            }
            Step::HearTheRest(peer) => {
                let wire = self.wire(*peer)?;
                wire.close();
                while wire.hear().await?.is_some() {}
            }
            Step::Backend(line) => self.prompter.act(line, &mut self.names).await?,
            Step::Wait(time) => {
                in_time(pass(*time)).await?;
            }
            Step::Introduced(peer, capabilities) => self.introduce(*peer, capabilities).await?,
            Step::SignedIn(peer, login) => self.sign_in(*peer, login).await?,
            Step::Thread(peer, name) => {
                let result = self.ask(*peer, "thread/start", &json!({})).await?;
                self.names
                    .insert(name.clone(), result["thread"]["id"].clone());
                self.hear(*peer, r#"{"method":"thread/started",…}"#).await?;
            }
            Step::EndOfInput(peer) => self.wire(*peer)?.close(),
            Step::ContentLength(peer) => self.wire(*peer)?.use_content_length(),
        }
        Ok(())
    }

    async fn hear(&mut self, peer: usize, pattern: &str) -> Result<(), String> {
        let message = self.next_message(peer).await;
        let message = message.map_err(|problem| format!("expected {pattern}, but {problem}"))?;
        let checked = Pattern::parse(pattern)?.check(&message, &mut self.names);
        checked.map_err(|problem| format!("{problem}\n  expected {pattern}\n  got      {message}"))
    }

    async fn hear_eventually(&mut self, peer: usize, pattern: &str) -> Result<(), String> {
        let wanted = Pattern::parse(pattern)?;
        let mut last = String::from("nothing");
        loop {
            let message = self.next_message(peer).await.map_err(|problem| {
                format!("expected {pattern}, but {problem}; the last that came was {last}")
            })?;
            if wanted.check(&message, &mut self.names).is_ok() {
                return Ok(());
            }
            last = message.to_string();
        }
    }

    async fn hear_any_order(&mut self, peer: usize, patterns: Vec<&str>) -> Result<(), String> {
        let parse = |text| Pattern::parse(text).map(|pattern| (text, pattern));
        let mut wanted = patterns
            .into_iter()
            .map(parse)
            .collect::<Result<Vec<_>, _>>()?;
        while !wanted.is_empty() {
            let message = self.next_message(peer).await?;
            let names = &mut self.names;
            let fits = |(_, pattern): &(_, Pattern)| pattern.check(&message, names).is_ok();
            let Some(at) = wanted.iter().position(fits) else {
                let texts: Vec<_> = wanted.iter().map(|(text, _)| *text).collect();
                return Err(format!("expected one of {texts:#?}, got {message}"));
            };
            wanted.remove(at);
        }
        Ok(())
    }

    async fn introduce(&mut self, peer: usize, capabilities: &str) -> Result<(), String> {
        let mut params = json!({"clientInfo": {"name": "test-host", "version": "1.0"}});
        if !capabilities.is_empty() {
            let capabilities = serde_json::from_str(capabilities);
            params["capabilities"] = capabilities.map_err(|error| error.to_string())?;
        }
        self.ask(peer, "initialize", &params).await?;
        self.wire(peer)?.say(r#"{"method":"initialized"}"#).await
    }

    /// `$token account`
    async fn sign_in(&mut self, peer: usize, login: &str) -> Result<(), String> {
        let (token, account) = login.split_once(' ').ok_or("a token and an account")?;
        let token: Value = serde_json::from_str(&fill(token, &self.names)?)
            .map_err(|_| "the token is no string".to_owned())?;
        let params = json!({"type": "chatgptAuthTokens", "accessToken": token,
                            "chatgptAccountId": account});
        self.ask(peer, "account/login/start", &params).await?;
        self.hear(peer, r#"{"method":"account/login/completed",…}"#)
            .await?;
        self.hear(peer, r#"{"method":"account/updated",…}"#).await
    }

    /// Sends a request; its result must come next.
    async fn ask(&mut self, peer: usize, method: &str, params: &Value) -> Result<Value, String> {
        self.next_id += 1;
        let request = json!({"id": self.next_id, "method": method, "params": params});
        self.wire(peer)?.say(&request.to_string()).await?;
        let mut answer = self.next_message(peer).await?;
        if answer["id"] == self.next_id && answer["result"].is_object() {
            return Ok(answer["result"].take());
        }
        Err(format!("expected a result of {method}, got {answer}"))
    }

    async fn next_message(&mut self, peer: usize) -> Result<Value, String> {
        let message = self.wire(peer)?.hear().await?;
        message.ok_or_else(|| "the server closed its output".to_owned())
    }

    fn wire(&mut self, peer: usize) -> Result<&mut Wire, String> {
        if !self.wires.contains_key(&peer) {
            self.wires.insert(peer, self.stage.connect()?);
        }
        self.wires
            .get_mut(&peer)
            .ok_or_else(|| "no such client".to_owned())
    }

    /// Closes every connection; no further message may arrive, unless the file names it.
    async fn end(mut self) -> Result<(), String> {
        for wire in self.wires.values_mut() {
            wire.close();
            if let Some(message) = wire.hear().await? {
                return Err(format!("this came as well: {message}"));
            }
        }
        self.stage.end().await
    }
}

const fn is_any_order(step: &Step, of: usize) -> bool {
    matches!(step, Step::HearAnyOrder(peer, _) if *peer == of)
}

/// Advances tokio's clock, by a little more than requested: its timers count whole milliseconds.
async fn pass(time: Duration) {
    // Earlier messages are handled first.
    real_time(Duration::from_millis(20)).await;
    tokio::time::advance(time + Duration::from_millis(2)).await;
}

/// Returns the bytes of a JSON string in which `\u00XX` is the byte XX.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let text: String = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let byte = |character| u8::try_from(u32::from(character)).map_err(|_| "not a byte".to_owned());
    text.chars().map(byte).collect()
}
