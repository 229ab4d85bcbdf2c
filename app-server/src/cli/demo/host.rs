//! The host: it talks to the server, shows the messages of both, and queues those received.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use byokey_dev_backend::{Exchange, Outcome};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::json::Json;
use super::screen::{Screen, Way};

/// An event of the scenario.
pub(super) enum Event {
    /// The server sent a line.
    Line(String),
    /// The server called the backend.
    Backend(Exchange),
    /// The server closed its output.
    End,
}

/// Why the scenario stops.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error("{awaited} did not come within {}s", patience.as_secs_f32())]
    Silence { awaited: String, patience: Duration },
    #[error("byokey closed its output while {awaited} was awaited")]
    Closed { awaited: String },
    #[error("byokey sent a line that is not JSON")]
    NotJson,
    #[error("byokey cannot be written to: {0}")]
    Input(io::Error),
    #[error("{0}")]
    Unserializable(serde_json::Error),
    /// The output is closed.
    #[error("the output is gone: {0}")]
    Output(#[from] io::Error),
}

/// The host.
pub(super) struct Host {
    input: Option<Box<dyn Write>>,
    events: Receiver<Event>,
    patience: Duration,
    /// Received and not yet awaited.
    kept: VecDeque<Value>,
    next_id: i64,
    /// How many 401s the backend has sent.
    pub(super) refusals: usize,
    /// How many refresh requests the server has sent.
    pub(super) questions: usize,
    pub(super) screen: Screen,
}

impl Host {
    pub(super) fn new(
        input: Box<dyn Write>,
        events: Receiver<Event>,
        patience: Duration,
        screen: Screen,
    ) -> Self {
        Self {
            input: Some(input),
            events,
            patience,
            kept: VecDeque::new(),
            next_id: 1,
            refusals: 0,
            questions: 0,
            screen,
        }
    }

    /// Sends a request and returns its id.
    pub(super) fn ask(&mut self, method: &str, params: impl Serialize) -> Result<i64, Stop> {
        #[derive(Serialize)]
        struct Request<'a, P> {
            id: i64,
            method: &'a str,
            params: P,
        }
        let id = self.next_id;
        self.next_id += 1;
        self.send(&Request { id, method, params })?;
        Ok(id)
    }

    /// Sends a request and waits for its response: the whole message, result or error.
    pub(super) fn call(&mut self, method: &str, params: impl Serialize) -> Result<Value, Stop> {
        let id = self.ask(method, params)?;
        self.answer(id)
    }

    /// Sends a notification without parameters.
    pub(super) fn notify(&mut self, method: &str) -> Result<(), Stop> {
        self.send(&json!({ "method": method }))
    }

    /// Answers a request of the server.
    pub(super) fn respond(&mut self, id: &Value, result: impl Serialize) -> Result<(), Stop> {
        #[derive(Serialize)]
        struct Answer<'a, R> {
            id: &'a Value,
            result: R,
        }
        self.send(&Answer { id, result })
    }

    /// Answers a request of the server with an error.
    pub(super) fn refuse(&mut self, id: &Value, message: &str) -> Result<(), Stop> {
        let error = json!({"code": -32000, "message": message});
        self.send(&json!({"id": id, "error": error}))
    }

    /// Waits for the response to a request: the whole message, result or error.
    pub(super) fn answer(&mut self, id: i64) -> Result<Value, Stop> {
        self.find(&format!("the answer to request {id}"), |message| {
            message["method"].is_null() && message["id"] == id
        })
    }

    /// Waits for a notification and returns its parameters.
    pub(super) fn notification(&mut self, method: &str) -> Result<Value, Stop> {
        let mut message = self.find(method, |message| message["method"] == method)?;
        Ok(message["params"].take())
    }

    /// Waits for a refresh request; returns its id and parameters.
    pub(super) fn asked_for_token(&mut self) -> Result<(Value, Value), Stop> {
        let method = "account/chatgptAuthTokens/refresh";
        let mut message = self.find(method, |message| message["method"] == method)?;
        Ok((message["id"].take(), message["params"].take()))
    }

    /// Returns the parameters of unawaited notifications of this method.
    pub(super) fn overheard(&mut self, method: &str) -> Vec<Value> {
        let (heard, kept): (VecDeque<_>, _) = std::mem::take(&mut self.kept)
            .into_iter()
            .partition(|message| message["method"] == method);
        self.kept = kept;
        let params = heard
            .into_iter()
            .map(|mut message| message["params"].take());
        params.collect()
    }

    /// Closes the server's input and reads its output to the end.
    pub(super) fn hang_up(&mut self) -> Result<(), Stop> {
        self.input = None;
        while self.hear("the end of output")? {}
        Ok(())
    }

    fn send(&mut self, message: &impl Serialize) -> Result<(), Stop> {
        let mut line = serde_json::to_string(message).map_err(Stop::Unserializable)?;
        let shown: Json = serde_json::from_str(&line).map_err(Stop::Unserializable)?;
        self.screen.message(Way::In, &shown)?;
        line.push('\n');
        let Some(input) = &mut self.input else {
            return Err(Stop::Input(io::ErrorKind::BrokenPipe.into()));
        };
        input.write_all(line.as_bytes()).map_err(Stop::Input)?;
        input.flush().map_err(Stop::Input)
    }

    fn find(&mut self, awaited: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value, Stop> {
        let mut known = 0;
        loop {
            let found = self.kept.iter().skip(known).position(&is_it);
            if let Some(message) = found.and_then(|at| self.kept.remove(known + at)) {
                return Ok(message);
            }
            known = self.kept.len();
            if !self.hear(awaited)? {
                let awaited = awaited.to_owned();
                return Err(Stop::Closed { awaited });
            }
        }
    }

    /// Receives and shows one event; returns false at the end of output.
    fn hear(&mut self, awaited: &str) -> Result<bool, Stop> {
        match self.events.recv_timeout(self.patience) {
            Ok(Event::Line(line)) => {
                let shown: Json = serde_json::from_str(&line).map_err(|_| Stop::NotJson)?;
                let message: Value = serde_json::from_str(&line).map_err(|_| Stop::NotJson)?;
                let is_question = message["method"] == "account/chatgptAuthTokens/refresh";
                self.questions += usize::from(is_question);
                self.screen.message(Way::Out, &shown)?;
                self.kept.push_back(message);
                Ok(true)
            }
            Ok(Event::Backend(exchange)) => {
                let is_refusal = exchange.outcome == Outcome::Status(StatusCode::UNAUTHORIZED);
                self.refusals += usize::from(is_refusal);
                self.screen.exchange(&exchange)?;
                Ok(true)
            }
            Ok(Event::End) | Err(RecvTimeoutError::Disconnected) => Ok(false),
            Err(RecvTimeoutError::Timeout) => Err(Stop::Silence {
                awaited: awaited.to_owned(),
                patience: self.patience,
            }),
        }
    }
}
