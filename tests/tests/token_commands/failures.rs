//! A command that brings no token: the call fails with a kind and words, and is never sent.

use std::time::{Duration, Instant};

use byokey_dev_backend::Route;
use byokey_tests::Host;
use byokey_tests::turns::{backend, turn};
use serde_json::json;

use crate::helper::{Helper, PROVIDER, ended, failure, is_alive, provider, quoted, start};

const KIND: &str = "tokenCommandFailed";

#[tokio::test]
async fn each_failure_has_words_and_nothing_is_sent() {
    let helper = Helper::new("exit 3");
    let folder = helper.path("");
    let missing = quoted(&helper.path("missing"));
    let script = |lines: &str| format!("command=\"/bin/sh\", args=[\"-c\", '{lines}']");
    for (auth, words) in [
        (script("exit 3"), "ended with exit code 3; run it by hand"),
        (script("kill -9 $$"), "was ended by signal 9"),
        (script("exit 0"), "printed no token"),
        (script("echo; echo"), "printed no token"),
        (
            script("echo two; echo lines"),
            "printed what no header can carry",
        ),
        (
            script("printf \"\\\\377\""),
            "printed what no header can carry",
        ),
        (script("echo \"\\\"made-up\\\"\""), "in quotes"),
        (script("echo Bearer made-up"), "`Bearer` before the token"),
        (
            script("while :; do echo 0123456789abcdef; done"),
            "printed more than 64 KiB",
        ),
        (
            format!("{}, timeout_ms=200", script("sleep 60")),
            "took longer than its `timeout_ms`",
        ),
        (format!("command={missing}"), "was not found"),
        (
            "command=\"made-up-program-that-is-not-there\"".to_owned(),
            "was not found",
        ),
        (
            // A folder may not be executed, not even by root.
            format!("command={}", quoted(&folder)),
            "may not be executed",
        ),
        (
            format!("command=\"echo\", args=[\"x\"], cwd={missing}"),
            "its working folder is not there",
        ),
    ] {
        let backend = backend();
        let setup = provider(&backend, &[&format!("auth={{{auth}}}")]);
        let (_server, mut host) = start(setup).await;
        let ended = turn(&mut host).await;
        let (kind, text) = failure(&ended);
        assert_eq!(kind, KIND, "{auth}");
        let begin = format!("the token command of the provider `{PROVIDER}` ");
        assert!(text.starts_with(&begin), "{text}");
        assert!(text.contains(words), "{text} for {auth}");
        assert!(text.contains("; "), "it says what to do: {text}");
        let refused = host.request("model/list", json!({})).await.unwrap_err();
        assert_eq!(refused.kind(), KIND);
        assert_eq!(backend.requests().len(), 0, "{auth} was sent");
    }
}

/// The file of the program is gone, so it cannot start itself once more.
#[tokio::test]
async fn without_the_process_for_it_the_command_is_not_said_to_be_new() {
    let backend = backend();
    let helper = Helper::printing("made-up-token");
    let copy = helper.path("copy").display().to_string();
    let script = format!(
        "cp \"$0\" '{copy}' && exec 7<'{copy}' && rm '{copy}' && exec /proc/self/fd/7 \"$@\""
    );
    let setup = helper.setup(&backend, "");
    let mut server = setup.wrapper(&["/bin/sh", "-c", &script]).start();
    let mut host = Host::new(&mut server);
    let answer = host.introduce("test-host", json!({})).await;
    assert_eq!(answer["hardening"]["tokenCommands"], false);
    let ended = turn(&mut host).await;
    let (kind, text) = failure(&ended);
    assert_eq!(kind, KIND, "{text}");
    assert!(text.contains("the process for it"), "{text}");
    assert!(text.contains("restart the server"), "{text}");
    assert_eq!((helper.runs(), backend.requests().len()), (0, 0));
}

#[tokio::test]
async fn what_it_writes_on_standard_error_is_logged_bounded_and_without_secrets() {
    let backend = backend();
    let helper = Helper::new(
        "echo made-up-printed; echo vault is sealed: got made-up-printed \
         key=made-up-key >&2; head -c 1000000 /dev/zero | tr '\\0' z >&2; exit 1",
    );
    let (server, mut host) = start(helper.setup(&backend, "")).await;
    assert_eq!(failure(&turn(&mut host).await).0, KIND);
    let log = server.log_with("vault is sealed:").await;
    let line = log.lines().find(|line| line.contains("vault is sealed"));
    assert!(line.unwrap().len() < 5_000, "{} bytes", line.unwrap().len());
    assert!(!log.contains("made-up-printed") && !log.contains("made-up-key"));
    assert!(line.unwrap().contains("WARN"));
}

#[tokio::test]
async fn a_timeout_ends_the_command_with_what_it_started() {
    let backend = backend();
    let helper = Helper::new("sleep 600 & echo $! >\"$here/pid\"; wait");
    let (_server, mut host) = start(helper.setup(&backend, ", timeout_ms=1000")).await;
    let begun = Instant::now();
    assert_eq!(failure(&turn(&mut host).await).0, KIND);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let pid = helper.line("pid").await;
    assert!(ended(&pid, Duration::from_secs(5)).await, "{pid} lives on");
}

/// Like an agent that keeps a password for the next time.
#[tokio::test]
async fn what_a_command_leaves_behind_delays_nothing_and_lives_on() {
    let backend = backend();
    let helper = Helper::new("sleep 600 & echo $! >\"$here/pid\"; echo made-up-token");
    let (_server, mut host) = start(helper.setup(&backend, "")).await;
    let begun = Instant::now();
    assert_eq!(turn(&mut host).await["status"], "completed");
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "less than its timeout"
    );
    let pid = helper.line("pid").await;
    let lives = is_alive(&pid);
    let id = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(id.unwrap(), rustix::process::Signal::KILL).unwrap();
    assert!(lives, "it was killed");
}

#[tokio::test]
async fn a_broken_command_is_not_run_for_each_call_and_is_tried_again_later() {
    const TURNS: usize = 20;
    let backend = backend();
    let helper = Helper::new("exit 1");
    let (_server, mut host) = start(helper.setup(&backend, "")).await;
    let begun = Instant::now();
    for _ in 0..TURNS {
        assert_eq!(failure(&turn(&mut host).await).0, KIND);
    }
    // One run for each pause of three seconds.
    let most = 1 + usize::try_from(begun.elapsed().as_secs() / 3).unwrap();
    let runs = helper.runs();
    assert!(runs <= most, "{runs} runs for {TURNS} turns");
    helper.set("echo made-up-token");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(turn(&mut host).await["status"], "completed");
    assert_eq!(backend.count(Route::Responses), 1);
}

/// The refused token is not used any more, whatever becomes of the next run.
#[tokio::test]
async fn a_failure_after_a_401_leaves_no_token() {
    let backend = backend();
    let helper = Helper::printing("made-up-old");
    let (_server, mut host) = start(helper.setup(&backend, "")).await;
    assert_eq!(turn(&mut host).await["status"], "completed");
    backend.reject_bearer("made-up-old");
    helper.set("exit 1");
    for _ in 0..2 {
        assert_eq!(failure(&turn(&mut host).await).0, KIND);
    }
    assert_eq!(
        backend.count(Route::Responses),
        2,
        "sent without a good token"
    );
}
