//! This crate at both ends of one connection.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use byokey_rpc::{
    Call, Connection, Limits, Observer, Peer, RequestError, RequestFailure, Service, serve,
};
use jsonrpsee_types::ErrorObjectOwned;
use libtest_mimic::Trial;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, watch};

use crate::runtime;
use crate::service::{Ask, Echo, OtherQuestion, Panic, Question, Text, Wait, open};

/// The client side: answers one request, and knows no other method.
struct Host {
    notified: mpsc::UnboundedSender<String>,
}

impl Service for Host {
    fn request(&mut self, method: &str, call: Call<'_>) {
        use byokey_protocol::methods::Request as _;
        if method == Question::NAME {
            let outcome = call.run::<Text, _>(|text| Ok(Text::new(&text.text.to_uppercase())));
            call.answer(outcome);
        } else {
            assert_eq!(method, OtherQuestion::NAME);
            call.refuse(RequestError::unknown_method());
        }
    }

    fn notification(&mut self, method: &str, _: Option<&RawValue>) {
        self.notified.send(method.to_owned()).unwrap();
    }
}

/// What the client's observer recorded.
#[derive(Clone, Debug, Default)]
struct Traffic(Arc<Mutex<Vec<String>>>);

impl Traffic {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn note(&self, direction: char, message: &[u8]) {
        let line = format!("{direction} {}", String::from_utf8_lossy(message));
        self.0.lock().unwrap().push(line);
    }
}

impl Observer for Traffic {
    fn received(&self, message: &[u8]) {
        self.note('<', message);
    }

    fn sent(&self, message: &[u8]) {
        self.note('>', message);
    }

    fn skipped(&self) {
        self.note('<', b"skipped");
    }
}

/// Runs a test with a client of the toy.
fn with_client<F>(test: impl FnOnce(Arc<Peer>, mpsc::UnboundedReceiver<String>, Traffic) -> F)
where
    F: Future<Output = ()>,
{
    runtime().block_on(async {
        let (there, here) = tokio::io::duplex(256);
        let (reader, writer) = tokio::io::split(there);
        let (_end, shutdown) = watch::channel(false);
        let limits = Limits::default();
        let server = tokio::spawn(serve(
            reader,
            writer,
            open(),
            limits.clone(),
            shutdown.clone(),
        ));
        let (notified, notifications) = mpsc::unbounded_channel();
        let traffic = Traffic::default();
        let peer = Peer::new(Arc::default(), Some(Arc::new(traffic.clone())));
        let connection = Connection::new(Arc::new(peer), Host { notified });
        let peer = Arc::clone(connection.peer());
        let (reader, writer) = tokio::io::split(here);
        let client = tokio::spawn(serve(reader, writer, connection, limits, shutdown));
        let patience = crate::client::PATIENCE;
        tokio::time::timeout(patience, test(peer, notifications, traffic))
            .await
            .unwrap();
        client.abort();
        server.abort();
    });
}

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, test: fn()| {
        Trial::test(format!("peers::{name}"), move || {
            test();
            Ok(())
        })
    };
    vec![
        trial(
            "requests_run_in_both_directions",
            requests_run_in_both_directions,
        ),
        trial(
            "an_error_object_is_read_if_it_may_be",
            an_error_object_is_read_if_it_may_be,
        ),
        trial(
            "a_request_that_is_dropped_is_cancelled",
            a_request_that_is_dropped_is_cancelled,
        ),
        trial(
            "a_closed_peer_answers_nothing",
            a_closed_peer_answers_nothing,
        ),
    ]
}

fn requests_run_in_both_directions() {
    with_client(async |peer, mut notifications, _traffic| {
        let echo = peer.request::<Echo>(&Text::new("a")).await;
        assert_eq!(echo.unwrap().text, "a");
        assert_eq!(notifications.recv().await.unwrap(), "toy/echoed");
        let asked = peer.request::<Ask>(&Text::new("why")).await;
        assert_eq!(asked.unwrap().text, "WHY, Refused(ErrorCode(-32601))");
        let raw = peer.request_raw("toy/echo", &json!({"text": "b"})).await;
        assert_eq!(raw.unwrap().get(), r#"{"text":"b"}"#);
    });
}

fn an_error_object_is_read_if_it_may_be() {
    with_client(async |peer, _notifications, _traffic| {
        let detailed = peer.request_detailed::<Panic>(&Text::new("a")).await;
        let Err(RequestFailure::Refused(object)) = detailed else {
            panic!("{detailed:?}");
        };
        let object: ErrorObjectOwned = object;
        assert_eq!(object.code(), -32603);
        assert!(object.message().starts_with("Internal error"));
    });
}

fn a_request_that_is_dropped_is_cancelled() {
    with_client(async |peer, _notifications, traffic| {
        let waiting = peer.request::<Wait>(&Text::new("a")).cancelled_on_drop();
        let outcome = waiting.within(Duration::from_millis(20)).await;
        let after = Duration::from_millis(20);
        assert_eq!(outcome, Err(RequestFailure::TimedOut { after }));
        let echo = peer.request::<Echo>(&Text::new("b")).await;
        assert_eq!(echo.unwrap().text, "b");
        let seen = traffic.lines();
        assert_eq!(
            seen[1],
            r#"> {"method":"$/cancelRequest","params":{"id":0}}"#
        );
        // The server cancelled it.
        assert!(
            seen[2..4].iter().any(|line| line.contains("-32800")),
            "{seen:?}"
        );
    });
}

fn a_closed_peer_answers_nothing() {
    with_client(async |peer, _notifications, _traffic| {
        let waiting = peer.request::<Wait>(&Text::new("a"));
        peer.end_requests();
        assert_eq!(waiting.await, Err(RequestFailure::Gone));
        assert!(!peer.can_answer());
        let later = peer.request::<Echo>(&Text::new("b")).await;
        assert_eq!(later, Err(RequestFailure::Gone));
    });
}
