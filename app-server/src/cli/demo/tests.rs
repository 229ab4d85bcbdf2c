//! The scenario against the real server, in memory: it succeeds unmodified; with any one message
//! falsified, the chapter that checks it fails.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

use byokey_app_server::config::{Config, Environment, Overrides};
use byokey_app_server::server::connection;
use byokey_app_server::server::services::Services;
use byokey_dev_backend::Route;
use byokey_protocol::initialize::HardeningReport;
use byokey_rpc::Limits;
use serde_json::Value;

use super::ink::Palette;
use super::server::Server;
use super::tokens::Token;
use super::verdict::Verdict;
use super::*;

/// The server on a thread of this process.
struct Thread {
    served: Option<JoinHandle<()>>,
    code: i32,
}

impl Server for Thread {
    fn exit_code(&mut self) -> Option<i32> {
        self.served.take()?.join().ok().map(|()| self.code)
    }
}

fn serve(settings: &[String], stream: UnixStream) -> JoinHandle<()> {
    let overrides = Overrides {
        settings: settings.to_vec(),
        ..Overrides::default()
    };
    let config = Config::load(
        &Environment::of([("CODEX_HOME", "/nonexistent")]),
        &overrides,
    );
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            stream.set_nonblocking(true).unwrap();
            let stream = tokio::net::UnixStream::from_std(stream).unwrap();
            let (reader, writer) = stream.into_split();
            let (_sender, shutdown) = tokio::sync::watch::channel(false);
            let services = Services::new(config, HardeningReport::default());
            byokey_rpc::serve(
                reader,
                writer,
                connection::open(services),
                Limits::default(),
                shutdown,
            )
            .await;
        });
    })
}

fn listen(
    stream: UnixStream,
    events: Sender<Event>,
    falsify: impl Fn(&mut Value) + Send + 'static,
) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut message: Value = serde_json::from_str(&line).unwrap();
            falsify(&mut message);
            let _ = events.send(Event::Line(message.to_string()));
        }
        let _ = events.send(Event::End);
    });
}

/// The host's writing half of the socket. Dropping it shuts it down for writing, as with a pipe.
struct Input(UnixStream);

impl io::Write for Input {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }
}

fn told(falsify: impl Fn(&mut Value) + Send + 'static, code: i32) -> Verdict {
    told_with_patience(falsify, code, PATIENCE)
}

fn told_with_patience(
    falsify: impl Fn(&mut Value) + Send + 'static,
    code: i32,
    patience: Duration,
) -> Verdict {
    story::tell(stage(falsify, code, patience))
}

fn stage(falsify: impl Fn(&mut Value) + Send + 'static, code: i32, patience: Duration) -> Play {
    let tokens = Arc::new(Tokens::made_up());
    let out = Box::new(io::sink());
    let screen = Screen::new(out, Palette::Plain, 100, Arc::clone(&tokens));
    let (events, heard) = channel();
    let backend = start_backend(events.clone(), Duration::ZERO).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let served = Some(serve(&settings(&backend), theirs));
    listen(ours.try_clone().unwrap(), events, falsify);
    let host = Host::new(Box::new(Input(ours)), heard, patience, screen);
    Play::new(host, backend, tokens, Box::new(Thread { served, code }))
}

#[test]
fn told_truly_the_story_is_good() {
    let verdict = told(|_| {}, 0);
    assert!(verdict.is_good(), "{verdict:?}");
    assert_eq!(verdict.chapter, 10);
}

/// Returns the chapters that fail when a value at this place of the server's messages is replaced.
fn noticed_by(pointer: &'static str, old: impl Into<Value>, new: impl Into<Value>) -> Vec<usize> {
    let (old, new) = (old.into(), new.into());
    let falsify = move |message: &mut Value| {
        if let Some(place) = message.pointer_mut(pointer).filter(|place| **place == old) {
            *place = new.clone();
        }
    };
    let verdict = told(falsify, 0);
    assert!(!verdict.is_good());
    let mut chapters: Vec<_> = verdict.broken.iter().map(|(chapter, _)| *chapter).collect();
    chapters.dedup();
    chapters
}

#[test]
fn a_stranger_in_the_place_of_the_server() {
    assert_eq!(
        noticed_by("/result/serverInfo/name", "byokey", "codex"),
        [1]
    );
}

#[test]
fn a_login_that_is_not_complete() {
    let email = "/result/account/email";
    assert_eq!(
        noticed_by("/result/type", "chatgptAuthTokens", "apiKey"),
        [2]
    );
    assert_eq!(noticed_by("/params/success", true, false), [2]);
    assert_eq!(noticed_by("/params/planType", "pro", "plus"), [2]);
    assert_eq!(noticed_by(email, "alice@example.com", Value::Null), [2]);
}

#[test]
fn wrong_limits_and_models() {
    let used = "/result/rateLimits/primary/usedPercent";
    assert_eq!(noticed_by(used, 42, 41), [3, 6, 8]);
    assert_eq!(noticed_by("/result/data/0/id", "gpt-6.2-sol", "other"), [3]);
    assert_eq!(noticed_by("/result/model", "gpt-6.2-sol", "gpt-5.5"), [4]);
}

#[test]
fn a_turn_that_fails_or_loses_text() {
    assert_eq!(
        noticed_by("/params/turn/status", "completed", "failed"),
        [4, 5]
    );
    assert_eq!(noticed_by("/params/delta", "Hello, ", ""), [4, 5]);
}

#[test]
fn a_wrong_question() {
    let account = "/params/previousAccountId";
    assert_eq!(
        noticed_by("/params/reason", "unauthorized", "expiring"),
        [5, 6, 7, 8]
    );
    assert_eq!(noticed_by(account, "ws-bob", Value::Null), [8]);
}

#[test]
fn a_change_of_account_that_nobody_hears_of() {
    let email = "/result/account/email";
    assert_eq!(noticed_by("/params/planType", "team", "pro"), [7]);
    assert_eq!(
        noticed_by(email, "bob@example.com", "alice@example.com"),
        [7, 8]
    );
    assert_eq!(
        noticed_by("/result/summary/lifetimeTokens", 123_456, 0),
        [7]
    );
}

#[test]
fn an_untyped_failure() {
    assert_eq!(
        noticed_by("/error/data/kind", "hostRefused", "retryable"),
        [8]
    );
    assert_eq!(
        noticed_by("/error/data/kind", "authRequired", Value::Null),
        [9]
    );
}

#[test]
fn a_logout_that_is_none() {
    assert_eq!(noticed_by("/params/authMode", Value::Null, "apiKey"), [9]);
    assert_eq!(noticed_by("/result/account", Value::Null, "somebody"), [9]);
}

#[test]
fn a_call_with_another_token() {
    let mut play = stage(|_| {}, 0, PATIENCE);
    let tokens = Arc::clone(&play.tokens);
    let [first, second, _] = &tokens.alice;
    let mut stream = TcpStream::connect(play.backend.addr()).unwrap();
    let token = &first.value;
    write!(
        stream,
        "GET /models HTTP/1.1\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
    let mut holds = |wanted: &[&Token]| {
        play.verdict = Verdict::default();
        play.claim_tokens("", Route::Models, wanted).unwrap();
        play.verdict.is_good()
    };
    assert!(holds(&[first]));
    assert!(!holds(&[second]));
    assert!(!holds(&[first, second]));
}

#[test]
fn a_bad_end() {
    let verdict = told(|_| {}, 101);
    let claim = "byokey exits with code 0".to_owned();
    assert_eq!(verdict.broken, [(10, claim)]);
}

#[test]
fn a_story_that_cannot_go_on_stops() {
    let lose_login = |message: &mut Value| {
        if message["method"] == "account/login/completed" {
            *message = Value::Null;
        }
    };
    let verdict = told_with_patience(lose_login, 0, Duration::from_millis(500));
    assert!(!verdict.is_good());
    let (chapter, stop) = verdict.broken.last().unwrap();
    assert_eq!(*chapter, 2);
    assert_eq!(stop, "account/login/completed did not come within 0.5s");
}
