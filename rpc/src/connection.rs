//! One connection: reads the peer's messages and routes them.
//!
//! Nothing here blocks: [`Connection::receive`] returns as soon as a message is answered or its
//! task is spawned, so the answer to one of our own requests never queues behind a handler.

use std::sync::Arc;

use byokey_protocol::cancel::CancelRequestParams;
use byokey_protocol::envelope::{self, Kind, Malformed};
use byokey_protocol::error::ErrorKind;
use byokey_protocol::head;
use byokey_protocol::methods::{CancelRequest, Notification as _};
use byokey_protocol::request_id::RequestId;
use serde_json::value::RawValue;

use crate::call::Call;
use crate::error::RequestError;
use crate::handler::{MessageHandler, Skipped};
use crate::in_flight::InFlight;
use crate::limits::Limits;
use crate::outbox::Outbox;
use crate::params;
use crate::peer::Peer;

/// Most consecutive responses to messages without a readable id. It stops two peers from answering
/// each other's garbage for ever.
const MAX_CONSECUTIVE_PARSE_ERRORS: u32 = 8;

/// Answers the requests of one connection. It is dropped with the connection.
pub trait Service: Send + Sync + 'static {
    /// Answers a request, synchronously or from a task: see [`Call`].
    fn request(&mut self, method: &str, call: Call<'_>);

    /// Handles a notification. An unknown one is ignored.
    fn notification(&mut self, method: &str, params: Option<&RawValue>);

    /// Reports that input was skipped unread. The peer gets an error in any case, unless the
    /// connection is [silent](Connection::silent).
    fn skipped(&mut self, _: Skipped<'_>) {}

    /// Waits for work in progress that is not a request in flight.
    fn drained(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// One connection.
#[derive(Debug)]
pub struct Connection<S> {
    peer: Arc<Peer>,
    in_flight: Arc<InFlight>,
    consecutive_parse_errors: u32,
    is_silent: bool,
    service: S,
}

impl<S: Service> Connection<S> {
    /// Returns a connection to this peer. The service answers its requests.
    #[must_use]
    pub fn new(peer: Arc<Peer>, service: S) -> Self {
        Self {
            peer,
            in_flight: Arc::default(),
            consecutive_parse_errors: 0,
            is_silent: false,
            service,
        }
    }

    /// Ignores malformed messages instead of reporting them to the peer. For the client side of a
    /// connection: the server may print other text to its output.
    #[must_use]
    pub const fn silent(mut self) -> Self {
        self.is_silent = true;
        self
    }

    /// Returns the peer, to send messages to.
    #[must_use]
    pub const fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Reports a message without a readable id to the peer, up to a limit of consecutive reports.
    fn report_unaddressed(&mut self, error: RequestError) {
        if self.is_silent {
            tracing::debug!("a message that cannot be read was ignored");
        } else if self.consecutive_parse_errors < MAX_CONSECUTIVE_PARSE_ERRORS {
            self.consecutive_parse_errors += 1;
            self.peer.respond_error(None, error);
        }
    }

    fn request(&mut self, id: RequestId, method: &str, params: Option<&RawValue>) {
        if self.in_flight.contains(&id) {
            let refused = RequestError::refused(
                ErrorKind::DuplicateId,
                "Invalid request: the id is in use by a request still in flight",
            );
            return self.peer.respond_error(Some(&id), refused);
        }
        let call = Call::new(&self.peer, &self.in_flight, id, params);
        self.service.request(method, call);
    }

    fn notification(&mut self, method: &str, params: Option<&RawValue>) {
        if method != CancelRequest::NAME {
            return self.service.notification(method, params);
        }
        let cancel = params::parse::<CancelRequestParams>(params);
        if let Ok(CancelRequestParams { id }) = cancel
            && self.in_flight.cancel(&id)
        {
            self.peer
                .respond_error(Some(&id), RequestError::cancelled());
        }
    }
}

impl<S: Service> MessageHandler for Connection<S> {
    fn outbox(&self) -> &Arc<Outbox> {
        &self.peer.outbox
    }

    fn bound(&self, limits: &Limits) {
        if let Some(bytes) = limits.max_unread {
            self.peer.outbox.set_limit(bytes);
        }
        self.peer.outbox.set_budget(limits.budget.as_ref());
        self.in_flight.bound(limits);
    }

    fn receive(&mut self, message: &[u8]) {
        if let Some(observer) = &self.peer.observer {
            observer.received(message);
        }
        let Ok(text) = std::str::from_utf8(message) else {
            return self.report_unaddressed(RequestError::parse());
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return;
        }
        let message = match envelope::parse(text) {
            Ok(message) => message,
            Err(Malformed::NotJson) => return self.report_unaddressed(RequestError::parse()),
            Err(Malformed::NotAMessage {
                id: Some(id),
                problem,
            }) => {
                let error = RequestError::invalid_request(problem);
                if !self.is_silent {
                    self.peer.respond_error(Some(&id), error);
                }
                return;
            }
            Err(Malformed::NotAMessage { id: None, problem }) => {
                return self.report_unaddressed(RequestError::invalid_request(problem));
            }
        };
        self.consecutive_parse_errors = 0;
        if message.has_header {
            self.peer.outbox.set_header();
        }
        match message.kind {
            Kind::Request { id, method, params } => self.request(id, &method, params),
            Kind::Notification { method, params } => self.notification(&method, params),
            Kind::Response { id, outcome } => self.peer.answered(&id, outcome),
            Kind::UselessResponse => tracing::debug!("a useless response was ignored"),
        }
    }

    fn skipped(&mut self, why: Skipped<'_>) {
        if let Some(observer) = &self.peer.observer {
            observer.skipped();
        }
        self.service.skipped(why);
        let (head, error) = match why {
            Skipped::TooLong { head } => (head, RequestError::message_too_long()),
            Skipped::Overload { head } => (head, RequestError::buffers_full()),
            Skipped::BadHeader => {
                let words = "Invalid request: the header must be `Content-Length: <bytes>`";
                let error = RequestError::refused(ErrorKind::BadFrame, words);
                return self.report_unaddressed(error);
            }
        };
        // The id of a request in flight: a response under it would be taken for the response to
        // that request.
        let id = head::request_id(head).filter(|id| !self.in_flight.contains(id));
        match id.filter(|_| !self.is_silent) {
            Some(id) => self.peer.respond_error(Some(&id), error),
            None => self.report_unaddressed(error),
        }
    }

    fn end_of_input(&self) {
        self.peer.end_requests();
    }

    async fn drained(&self) {
        self.in_flight.drained().await;
        self.service.drained().await;
    }

    fn give_up(&self) {
        for id in self.in_flight.abandon() {
            self.peer
                .respond_error(Some(&id), RequestError::connection_ends());
        }
    }
}

impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        // No answer can reach the peer any more.
        drop(self.in_flight.abandon());
        self.peer.close();
    }
}
