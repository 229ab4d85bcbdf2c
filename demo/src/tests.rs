//! The scenario against the real server, in memory: it succeeds unmodified; with any one message
//! falsified, the chapter that checks it fails.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

use byokey_app_server::config::{Config, Environment, Overrides};
use byokey_app_server::server::connection;
use byokey_app_server::server::services::Services;
use byokey_dev_backend::Route;
use byokey_protocol::initialize::HardeningReport;
use byokey_rpc::Limits;
use serde_json::Value;

use super::report::Report;
use super::style::Palette;
use super::tokens::Token;
use super::*;

/// Changes a message of the server.
type Falsify = Arc<dyn Fn(&mut Value) + Send + Sync>;

fn serve(settings: &[String], input: UnixStream, output: UnixStream) -> JoinHandle<()> {
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
            let (reader, writer) = (asynchronous(input).unwrap(), asynchronous(output).unwrap());
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

/// Forwards the server's messages, one of them falsified.
fn falsified(output: UnixStream, falsify: Falsify) -> io::Result<tokio::net::UnixStream> {
    let (ours, mut theirs) = UnixStream::pair()?;
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let mut message: Value = serde_json::from_str(&line).unwrap();
            falsify(&mut message);
            // The scenario may be over.
            let _ = writeln!(theirs, "{message}");
        }
    });
    asynchronous(ours)
}

fn asynchronous(stream: UnixStream) -> io::Result<tokio::net::UnixStream> {
    stream.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(stream)
}

fn run_falsified(falsify: impl Fn(&mut Value) + Send + Sync + 'static, code: i32) -> Report {
    run_with_patience(falsify, code, PATIENCE)
}

fn run_with_patience(
    falsify: impl Fn(&mut Value) + Send + Sync + 'static,
    code: i32,
    patience: Duration,
) -> Report {
    story::run(stage(falsify, code, patience))
}

fn stage(
    falsify: impl Fn(&mut Value) + Send + Sync + 'static,
    code: i32,
    patience: Duration,
) -> Scenario {
    let tokens = Arc::new(Tokens::made_up());
    let out = Box::new(io::sink());
    let screen = Screen::new(out, Palette::Plain, 100, Arc::clone(&tokens));
    let (events, heard) = channel();
    let backend = start_backend(events.clone(), Duration::ZERO).unwrap();
    let falsify: Falsify = Arc::new(falsify);
    let spawn: Spawn = Box::new(move |settings| {
        let (input, read) = UnixStream::pair()?;
        let (written, output) = UnixStream::pair()?;
        let served = serve(settings, read, written);
        let falsify = Arc::clone(&falsify);
        Link::open(events.clone(), move || {
            let exit_code = async move { served.join().ok().map(|()| code) };
            Ok((falsified(output, falsify)?, asynchronous(input)?, exit_code))
        })
    });
    let host = Host::new(spawn(&settings(&backend)).unwrap(), heard, patience, screen);
    Scenario::new(host, backend, tokens, spawn)
}

#[test]
fn an_unmodified_scenario_passes() {
    let report = run_falsified(|_| {}, 0);
    assert!(report.is_good(), "{report:?}");
    assert_eq!(report.chapter, 11);
}

/// Returns the chapters that fail when a value at this place of the server's messages is replaced.
fn noticed_by(pointer: &'static str, old: impl Into<Value>, new: impl Into<Value>) -> Vec<usize> {
    let (old, new) = (old.into(), new.into());
    let falsify = move |message: &mut Value| {
        if let Some(place) = message.pointer_mut(pointer).filter(|place| **place == old) {
            *place = new.clone();
        }
    };
    let report = run_falsified(falsify, 0);
    assert!(!report.is_good());
    let mut chapters: Vec<_> = report.broken.iter().map(|(chapter, _)| *chapter).collect();
    chapters.dedup();
    chapters
}

#[test]
fn a_stranger_in_the_place_of_the_server() {
    assert_eq!(
        noticed_by("/result/serverInfo/name", "byokey", "codex"),
        [1, 11]
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
    assert_eq!(
        noticed_by("/result/data/10/id", "gpt-6.2-sol", "other"),
        [3]
    );
    assert_eq!(noticed_by("/result/model", "gpt-6.2-sol", "gpt-5.5"), [4]);
}

#[test]
fn a_turn_that_fails_or_loses_text() {
    assert_eq!(
        noticed_by("/params/turn/status", "completed", "failed"),
        [4, 5, 11]
    );
    assert_eq!(noticed_by("/params/delta", "Hello, ", ""), [4, 5, 11]);
}

#[test]
fn a_wrong_question() {
    let account = "/params/previousAccountId";
    assert_eq!(
        noticed_by("/params/reason", "unauthorized", "expiring"),
        [5, 6, 7, 8, 11]
    );
    assert_eq!(noticed_by(account, "ws-bob", Value::Null), [8]);
}

#[test]
fn a_change_of_account_without_a_notification() {
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
fn a_bearer_token_that_is_not_in_force() {
    let label = "/result/account/label";
    assert_eq!(noticed_by(label, "Dora", Value::Null), [11]);
    assert_eq!(
        noticed_by("/params/authMode", "bearerToken", "apikey"),
        [11]
    );
}

#[test]
fn a_call_with_another_token() {
    let mut scenario = stage(|_| {}, 0, PATIENCE);
    let tokens = Arc::clone(&scenario.tokens);
    let [first, second, _] = &tokens.alice;
    let mut stream = TcpStream::connect(scenario.backend.addr()).unwrap();
    let token = &first.value;
    write!(
        stream,
        "GET /models HTTP/1.1\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
    let mut holds = |wanted: &[&Token]| {
        scenario.report = Report::default();
        scenario.check_tokens("", Route::Models, wanted).unwrap();
        scenario.report.is_good()
    };
    assert!(holds(&[first]));
    assert!(!holds(&[second]));
    assert!(!holds(&[first, second]));
}

#[test]
fn a_bad_end() {
    let report = run_falsified(|_| {}, 101);
    let check = || "byokey exits with code 0".to_owned();
    assert_eq!(report.broken, [(10, check()), (11, check())]);
}

#[test]
fn a_story_that_cannot_go_on_stops() {
    let lose_login = |message: &mut Value| {
        if message["method"] == "account/login/completed" {
            *message = Value::Null;
        }
    };
    let report = run_with_patience(lose_login, 0, Duration::from_millis(500));
    assert!(!report.is_good());
    let (chapter, stop) = report.broken.last().unwrap();
    assert_eq!(*chapter, 2);
    assert_eq!(stop, "account/login/completed did not come within 0.5s");
}
