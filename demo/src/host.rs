//! The host: it talks to the server, shows the messages of both, and queues those received.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use byokey_dev_backend::Outcome;
use byokey_protocol::methods::{Refresh, Request as _};
use byokey_rpc::{RequestError, RequestFailure};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::json::Json;
use super::link::{Asked, Event, Link, Question, Supplied};
use super::screen::{Direction, Screen};

/// The host's own error code for refusing to supply a token.
const REFUSED: i32 = -32000;

/// Why the scenario stops.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error("{awaited} did not come within {}s", patience.as_secs_f32())]
    Silence { awaited: String, patience: Duration },
    #[error("byokey closed its output while {awaited} was awaited")]
    Closed { awaited: String },
    #[error("byokey sent a line that is not JSON")]
    NotJson,
    /// The output is closed.
    #[error("the output is gone: {0}")]
    Output(#[from] io::Error),
}

/// Messages of the server that the scenario has not used yet.
#[derive(Default)]
struct Heard {
    /// The ids of the requests that it has answered.
    answered: Vec<i64>,
    notifications: VecDeque<(String, Value)>,
    questions: VecDeque<Question>,
    exit_code: Option<Option<i32>>,
}

/// The host.
pub(super) struct Host {
    link: Link,
    events: Receiver<Event>,
    patience: Duration,
    heard: Heard,
    /// How many 401s the backend has sent.
    pub(super) refusals: usize,
    /// How many refresh requests the server has sent.
    pub(super) questions: usize,
    pub(super) screen: Screen,
}

impl Host {
    pub(super) fn new(
        link: Link,
        events: Receiver<Event>,
        patience: Duration,
        screen: Screen,
    ) -> Self {
        Self {
            link,
            events,
            patience,
            heard: Heard::default(),
            refusals: 0,
            questions: 0,
            screen,
        }
    }

    /// Talks to another server from now on. The one before has ended.
    pub(super) fn connect(&mut self, link: Link) {
        self.link = link;
        self.heard = Heard::default();
    }

    /// Sends a request.
    pub(super) fn ask(&self, method: &str, params: impl Serialize) -> Asked {
        self.link.ask(method, &params)
    }

    /// Sends a request and waits for its response: an object with a `result` or an `error`.
    pub(super) fn call(&mut self, method: &str, params: impl Serialize) -> Result<Value, Stop> {
        let asked = self.ask(method, params);
        self.answer(asked)
    }

    /// Sends a notification without parameters.
    pub(super) fn notify(&self, method: &str) {
        self.link.notify(method);
    }

    /// Waits for the response to a request: an object with a `result` or an `error`.
    pub(super) fn answer(&mut self, asked: Asked) -> Result<Value, Stop> {
        let awaited = format!("the answer to request {}", asked.id);
        self.wait(&awaited, |heard| {
            let at = heard.answered.iter().position(|id| *id == asked.id)?;
            Some(heard.answered.swap_remove(at))
        })?;
        // It has arrived, so this does not block.
        match self.link.answer(asked, self.patience) {
            Ok(result) => {
                let result: Value =
                    serde_json::from_str(result.get()).map_err(|_| Stop::NotJson)?;
                Ok(json!({ "result": result }))
            }
            Err(RequestFailure::Refused(error)) => Ok(json!({ "error": error })),
            Err(_) => Err(Stop::Closed { awaited }),
        }
    }

    /// Waits for a notification and returns its parameters.
    pub(super) fn notification(&mut self, method: &str) -> Result<Value, Stop> {
        self.wait(method, |heard| {
            let mut methods = heard.notifications.iter().map(|(method, _)| method);
            let at = methods.position(|it| it == method)?;
            heard.notifications.remove(at).map(|(_, params)| params)
        })
    }

    /// Waits for a refresh request.
    pub(super) fn asked_for_token(&mut self) -> Result<Question, Stop> {
        self.wait(Refresh::NAME, |heard| heard.questions.pop_front())
    }

    /// Answers a refresh request with a token; returns the parameters of the request.
    pub(super) fn hand_over(question: Question, tokens: Supplied) -> Value {
        let params = question.params.clone();
        question.answer(Ok(tokens));
        params
    }

    /// Answers a refresh request with an error.
    pub(super) fn refuse(question: Question, message: &'static str) {
        question.answer(Err(RequestError::new(REFUSED, message)));
    }

    /// Returns the parameters of all unawaited notifications of this method.
    pub(super) fn overheard(&mut self, method: &str) -> Vec<Value> {
        let all = std::mem::take(&mut self.heard.notifications);
        let (found, others): (VecDeque<_>, _) = all.into_iter().partition(|(it, _)| it == method);
        self.heard.notifications = others;
        found.into_iter().map(|(_, params)| params).collect()
    }

    /// Closes the server's input and waits for its exit; returns its exit code, if it has one.
    pub(super) fn hang_up(&mut self) -> Result<Option<i32>, Stop> {
        self.link.close();
        self.wait("the end of byokey", |heard| heard.exit_code)
    }

    /// Receives events until `take` finds the awaited one.
    fn wait<T>(
        &mut self,
        awaited: &str,
        mut take: impl FnMut(&mut Heard) -> Option<T>,
    ) -> Result<T, Stop> {
        loop {
            if let Some(found) = take(&mut self.heard) {
                return Ok(found);
            }
            if self.heard.exit_code.is_some() {
                let awaited = awaited.to_owned();
                return Err(Stop::Closed { awaited });
            }
            self.hear(awaited)?;
        }
    }

    /// Receives and shows one event.
    fn hear(&mut self, awaited: &str) -> Result<(), Stop> {
        match self.events.recv_timeout(self.patience) {
            Ok(Event::Said(direction, message)) => self.show(direction, &message)?,
            Ok(Event::Notification { method, params }) => {
                self.heard.notifications.push_back((method, params));
            }
            Ok(Event::Question(question)) => {
                self.questions += 1;
                self.heard.questions.push_back(question);
            }
            Ok(Event::Backend(exchange)) => {
                let is_refusal = exchange.outcome == Outcome::Status(StatusCode::UNAUTHORIZED);
                self.refusals += usize::from(is_refusal);
                self.screen.exchange(&exchange)?;
            }
            Ok(Event::End(code)) => self.heard.exit_code = Some(code),
            Err(RecvTimeoutError::Disconnected) => self.heard.exit_code = Some(None),
            Err(RecvTimeoutError::Timeout) => {
                return Err(Stop::Silence {
                    awaited: awaited.to_owned(),
                    patience: self.patience,
                });
            }
        }
        Ok(())
    }

    fn show(&mut self, direction: Direction, message: &[u8]) -> Result<(), Stop> {
        let shown: Json = serde_json::from_slice(message).map_err(|_| Stop::NotJson)?;
        self.screen.message(direction, &shown)?;
        let is_answer = direction == Direction::Out && shown.get("method").is_none();
        if let Some(id) = shown.get("id").filter(|_| is_answer) {
            self.heard.answered.extend(id.integer());
        }
        Ok(())
    }
}
