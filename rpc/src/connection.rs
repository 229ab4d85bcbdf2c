//! One connection: reads what the peer says and routes it.
//!
//! Nothing here waits: [`Connection::receive`] returns as soon as a message is answered or under
//! way, so an answer to one of our own requests is never behind a handler.

use std::sync::Arc;

use byokey_protocol::cancel::CancelRequestParams;
use byokey_protocol::envelope::{self, Kind, Malformed};
use byokey_protocol::error::ErrorKind;
use byokey_protocol::methods::{ClientNotification, ClientRequest};
use byokey_protocol::request_id::RequestId;
use serde_json::value::RawValue;

use crate::dispatch::{Call, InFlight, dispatch};
use crate::error::RequestError;
use crate::params;
use crate::peers::Peer;
use crate::reply::Context;
use crate::services::Services;

/// Most answers in a row to messages that have no readable id. Two peers that answer each
/// other's garbage must not go on for ever.
const MAX_COMPLAINTS: u32 = 8;
/// One connection.
#[derive(Debug)]
pub struct Connection {
    context: Context,
    in_flight: Arc<InFlight>,
    complaints: u32,
}

impl Connection {
    /// A new peer.
    #[must_use]
    pub fn open(services: Arc<Services>) -> Self {
        let peer = services.peers.join();
        Self {
            context: Context { services, peer },
            in_flight: Arc::default(),
            complaints: 0,
        }
    }

    /// The peer, as seen from inside.
    #[must_use]
    pub fn peer(&self) -> &Arc<Peer> {
        &self.context.peer
    }

    /// Waits until everything under way is done: every request answered, every turn ended.
    pub async fn drained(&self) {
        self.in_flight.drained().await;
        self.context.services.threads.idle().await;
    }

    /// Takes one message.
    pub fn receive(&mut self, message: &[u8]) {
        if let Some(trace) = &self.peer().trace {
            trace.received(message);
        }
        let Ok(text) = std::str::from_utf8(message) else {
            return self.complain(RequestError::parse());
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return;
        }
        let message = match envelope::parse(text) {
            Ok(message) => message,
            Err(Malformed::NotJson) => return self.complain(RequestError::parse()),
            Err(Malformed::NotAMessage {
                id: Some(id),
                problem,
            }) => {
                let error = RequestError::invalid_request(problem);
                return self.peer().respond_error(Some(&id), error);
            }
            Err(Malformed::NotAMessage { id: None, problem }) => {
                return self.complain(RequestError::invalid_request(problem));
            }
        };
        self.complaints = 0;
        if message.has_header {
            self.peer().outbox.set_header();
        }
        match message.kind {
            Kind::Request { id, method, params } => self.request(id, &method, params),
            Kind::Notification { method, params } => self.notification(&method, params),
            Kind::Response { id, outcome } => self.peer().answered(&id, outcome),
            Kind::UselessResponse => tracing::debug!("a useless response was ignored"),
        }
    }

    /// Something came that was skipped unread.
    pub fn skipped(&mut self, error: RequestError) {
        if let Some(trace) = &self.peer().trace {
            trace.skipped();
        }
        self.complain(error);
    }

    /// Tells the peer of something that has no readable id, unless that happens all the time.
    fn complain(&mut self, error: RequestError) {
        if self.complaints < MAX_COMPLAINTS {
            self.complaints += 1;
            self.peer().respond_error(None, error);
        }
    }

    /// Nothing more can be read: the requests we sent have no answer to come, and there is no use
    /// in sending others.
    pub fn end_of_input(&self) {
        self.peer().ask_no_more();
    }

    /// Answers whatever is still under way with an error: the connection ends.
    pub fn give_up(&self) {
        for id in self.in_flight.abandon() {
            self.peer()
                .respond_error(Some(&id), RequestError::connection_ends());
        }
    }

    fn request(&self, id: RequestId, method: &str, params: Option<&RawValue>) {
        if self.in_flight.contains(&id) {
            let refused = RequestError::refused(
                ErrorKind::DuplicateId,
                "Invalid request: the id is in use by a request still in flight",
            );
            return self.peer().respond_error(Some(&id), refused);
        }
        match ClientRequest::from_name(method) {
            Some(request) => dispatch(
                request,
                Call {
                    context: &self.context,
                    in_flight: &self.in_flight,
                    id,
                    params,
                },
            ),
            None => self
                .peer()
                .respond_error(Some(&id), RequestError::unknown_method()),
        }
    }

    fn notification(&self, method: &str, params: Option<&RawValue>) {
        match ClientNotification::from_name(method) {
            Some(ClientNotification::CancelRequest) => {
                let cancel = params::parse::<CancelRequestParams>(params);
                if let Ok(CancelRequestParams { id }) = cancel
                    && self.in_flight.cancel(&id)
                {
                    self.peer()
                        .respond_error(Some(&id), RequestError::cancelled());
                }
            }
            // The handshake is complete with the answer to `initialize`; codex ignores unknown
            // notifications, and so does the Language Server Protocol those that begin with `$/`.
            Some(ClientNotification::Initialized) | None => {}
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Nobody is there to hear the answers.
        drop(self.in_flight.abandon());
        self.context.services.peers.leave(&self.context.peer);
    }
}
