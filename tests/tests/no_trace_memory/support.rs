//! Common parts of these tests.

use byokey_dev_backend::{DevBackend, Options, Script};
use byokey_tests::tls::{Http, certified};
use byokey_tests::{Framing, MadeUp, ProcessStatus, Setup, Subject};
use serde_json::{Value, json};

/// Length of an ordinary token.
pub(crate) const ORDINARY: usize = 1_200;

/// Returns a backend without a script.
pub(crate) fn backend() -> DevBackend {
    DevBackend::start(Options::new()).unwrap()
}

/// Returns a backend with a script.
pub(crate) fn scripted(script: Value) -> DevBackend {
    let script = Script::from_value(script).unwrap();
    DevBackend::start(Options::new().script(script)).unwrap()
}

/// Starts a backend behind TLS with this HTTP version, and a program that trusts it.
pub(crate) async fn behind_tls(http: Http) -> (DevBackend, Subject) {
    let (config, pem) = certified(http);
    let backend = DevBackend::start(Options::new().tls(config)).unwrap();
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut authority.as_file(), pem.as_bytes()).unwrap();
    let path = authority.path().to_str().unwrap();
    let setup = Setup::default().environment("CODEX_CA_CERTIFICATE", path);
    let mut subject = Subject::start(setup.backend(&backend), Framing::Lines).await;
    // Reads the file, so that it can be removed.
    let token = MadeUp::jwt("first-call", ORDINARY);
    subject.login(&token).await;
    call(&mut subject, "account/usage/read").await;
    (backend, subject)
}

/// Calls a method without parameters.
pub(crate) async fn call(subject: &mut Subject, method: &str) -> Value {
    let answer = subject.host.request(method, json!({})).await;
    answer.unwrap_or_else(|refused| panic!("{method}: {refused:?}"))
}

/// Starts a thread, and a turn in it. Returns their ids.
pub(crate) async fn start_turn(subject: &mut Subject) -> (Value, Value) {
    let mut thread = call(subject, "thread/start").await;
    let thread = thread["thread"]["id"].take();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread, "input": input});
    let mut turn = subject.host.request("turn/start", params).await.unwrap();
    (thread, turn["turn"]["id"].take())
}

/// Fails unless each of these is present, and only on locked pages.
pub(crate) fn assert_locked(subject: &Subject, secrets: &[MadeUp], when: &str) {
    let (pid, memory) = (subject.server.pid(), subject.memory());
    for secret in secrets {
        let places = memory.places(&secret.text);
        assert!(!places.is_empty(), "{when}: no {}", secret.kind);
        for place in &places {
            let is_locked = ProcessStatus::is_locked(pid, *place);
            assert!(is_locked, "{when}: {} may be swapped", secret.kind);
        }
    }
}

/// Returns the parameters of a login with this token.
pub(crate) fn login_params(token: &MadeUp) -> Value {
    json!({"type": "chatgptAuthTokens", "accessToken": token.text, "chatgptAccountId": "ws-1"})
}
