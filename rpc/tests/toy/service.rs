//! A service with methods of its own, unrelated to accounts.

use std::sync::Arc;
use std::time::Duration;

use byokey_protocol::methods::{Notification, Request};
use byokey_rpc::{Call, Connection, Peer, RequestError, RequestFailure, Service};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The parameters of most methods of the toy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) text: String,
}

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        let text = text.to_owned();
        Self { text }
    }
}

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident = $method:literal;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;
        impl Request for $name {
            const NAME: &'static str = $method;
            type Params = Text;
            type Result = Text;
        }
    )*};
}

requests! {
    /// Returns its parameters at once.
    Echo = "toy/echo";
    /// Never answered.
    Wait = "toy/wait";
    /// Its handler panics.
    Panic = "toy/panic";
    /// Its task panics.
    PanicLater = "toy/panicLater";
    /// Returns the peer's answer to [`Question`].
    Ask = "toy/ask";
    /// Sent by the server: exists in no other program.
    Question = "toy/question";
    /// Sent by the server: a second request, declared in one line.
    OtherQuestion = "toy/otherQuestion";
}

/// Sent by the server after each echo.
pub(crate) struct Echoed;

impl Notification for Echoed {
    const NAME: &'static str = "toy/echoed";
    type Params = Text;
}

/// The deadline of the server's requests.
pub(crate) const PATIENCE: Duration = Duration::from_millis(300);

pub(crate) struct Toy {
    peer: Arc<Peer>,
}

/// Returns the connection of one client of the toy.
pub(crate) fn open() -> Connection<Toy> {
    let peer = Arc::<Peer>::default();
    Connection::new(Arc::clone(&peer), Toy { peer })
}

impl Service for Toy {
    fn request(&mut self, method: &str, call: Call<'_>) {
        match method {
            Echo::NAME => {
                let outcome = call.run::<Text, _>(Ok);
                let echoed = outcome.as_ref().ok().cloned();
                call.answer(outcome);
                if let Some(text) = echoed {
                    self.peer.notify::<Echoed>(&text);
                }
            }
            Wait::NAME => {
                let (peer, id) = (Arc::clone(&self.peer), call.id().clone());
                call.spawn(std::future::pending(), move |_, _: Result<Text, _>| {
                    peer.respond(&id, "never");
                });
            }
            Panic::NAME => {
                let outcome = call.run::<Text, Text>(|text| panic!("{}", text.text));
                call.answer(outcome);
            }
            PanicLater::NAME => {
                let peer = Arc::clone(&self.peer);
                let pending = async { panic!("made-up secret") };
                call.spawn(pending, move |id, outcome: Result<Text, RequestError>| {
                    peer.respond_error(Some(id), outcome.unwrap_err());
                });
            }
            Ask::NAME => self.ask(call),
            _ => call.refuse(RequestError::unknown_method()),
        }
    }

    fn notification(&mut self, _: &str, _: Option<&RawValue>) {}
}

impl Toy {
    fn ask(&self, call: Call<'_>) {
        let text = match call.run::<Text, _>(Ok) {
            Ok(text) => text,
            Err(error) => return call.refuse(error),
        };
        // Queued at once, so that requests keep their order on the wire.
        let question = self.peer.request::<Question>(&text);
        let other = self.peer.request::<OtherQuestion>(&text);
        let peer = Arc::clone(&self.peer);
        let pending = async move {
            let told = |outcome: Result<Text, RequestFailure>| match outcome {
                Ok(answer) => answer.text,
                Err(failure) => format!("{failure:?}"),
            };
            let first = told(question.within(PATIENCE).await);
            let second = told(other.within(PATIENCE).await);
            Ok(Text::new(&format!("{first}, {second}")))
        };
        call.spawn(pending, move |id, outcome| match outcome {
            Ok(text) => peer.respond(id, text),
            Err(error) => peer.respond_error(Some(id), error),
        });
    }
}
