//! The life of the process that runs commands: it is there only where it is needed, ends with the
//! server, and takes no command but those of the start.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use byokey_tests::turns::{backend, begin_turn, turn};
use byokey_tests::{Server, byokey};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::helper::{Helper, children, ended, failure, is_alive, provider, start};

/// How long a process may outlive its server.
const PROMISE: Duration = Duration::from_secs(1);

fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), signal).unwrap();
}

/// Returns the id of the process that runs commands.
fn runner(server: &Server) -> u32 {
    let children = children(server.pid());
    assert_eq!(children.len(), 1, "{children:?}");
    children[0]
}

#[tokio::test]
async fn without_a_command_there_is_no_process() {
    let backend = backend();
    let unselected = "model_providers.other.auth.command=\"echo\"";
    let setup = provider(&backend, &[]).argument("-c").argument(unselected);
    let (server, mut host) = start(setup).await;
    turn(&mut host).await;
    assert_eq!(children(server.pid()), Vec::<u32>::new());
}

#[tokio::test]
async fn it_ends_with_the_server_however_that_ends() {
    for signal in [None, Some(Signal::TERM), Some(Signal::KILL)] {
        let backend = backend();
        let helper = Helper::printing("made-up-token");
        let (mut server, mut host) = start(helper.setup(&backend, "")).await;
        assert_eq!(turn(&mut host).await["status"], "completed");
        let runner = runner(&server).to_string();
        match signal {
            None => host.close_input(),
            Some(signal) => send(server.pid(), signal),
        }
        server.exit_code().await;
        assert!(ended(&runner, PROMISE).await, "{signal:?}");
    }
}

#[tokio::test]
async fn a_killed_server_leaves_no_command_behind() {
    let backend = backend();
    let helper = Helper::new("echo $$ >\"$here/pid\"; sleep 600");
    let (mut server, mut host) = start(helper.setup(&backend, "")).await;
    begin_turn(&mut host).await;
    let command = helper.line("pid").await;
    let runner = runner(&server).to_string();
    assert!(is_alive(&command));
    server.kill().await;
    assert!(ended(&command, PROMISE).await, "the command lives on");
    assert!(ended(&runner, PROMISE).await);
}

/// A service is stopped by a signal to all its processes, and the server finishes its turns.
#[tokio::test]
async fn signals_to_all_processes_do_not_end_it_before_the_server() {
    let backend = backend();
    let helper = Helper::printing("made-up-token");
    let more = ", refresh_interval_ms=1";
    let (server, mut host) = start(helper.setup(&backend, more)).await;
    assert_eq!(turn(&mut host).await["status"], "completed");
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        send(runner(&server), signal);
    }
    assert_eq!(turn(&mut host).await["status"], "completed");
    assert_eq!(helper.runs(), 2);
}

#[tokio::test]
async fn without_it_calls_fail_and_say_so() {
    let backend = backend();
    let helper = Helper::printing("made-up-token");
    let (server, mut host) = start(helper.setup(&backend, "")).await;
    send(runner(&server), Signal::KILL);
    let ended = turn(&mut host).await;
    let (kind, text) = failure(&ended);
    assert_eq!(kind, "tokenCommandFailed");
    assert!(text.contains("restart the server"), "{text}");
    assert_eq!((helper.runs(), backend.requests().len()), (0, 0));
    let read = host.request("account/read", json!({})).await;
    assert!(read.is_ok(), "the rest goes on");
}

/// Sends these lines to the process that runs commands, and returns its answers.
fn answers(lines: &[&str]) -> Vec<u8> {
    let mut runner = Command::new(byokey())
        .arg("run-token-commands")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = runner.stdin.take().unwrap();
    let mut output = runner.stdout.take().unwrap();
    let mut all = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        // It may have ended.
        let sent = input.write_all(format!("{line}\n").as_bytes());
        let mut head = [0; 13];
        if number > 0 && sent.is_ok() && output.read_exact(&mut head).is_ok() {
            let length = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
            let rest = usize::try_from(length(5) + length(9)).unwrap();
            let mut text = vec![0; rest];
            output.read_exact(&mut text).unwrap();
            all.push(head[0]);
            all.extend(text);
        }
    }
    drop(input);
    runner.wait().unwrap();
    all
}

#[test]
fn it_runs_what_was_listed_and_nothing_else() {
    let listed = |program: &str, text: &str| json!({"program": program, "args": [text], "cwd": null, "timeout_ms": 5000});
    let list = json!({"mine": listed("echo", "made-up")}).to_string();
    let id = |id: &str| json!(id).to_string();
    assert_eq!(answers(&[&list, &id("mine")]), b"\0made-up\n");
    let unlisted = [&[9][..], b"\0made-up\n"].concat();
    assert_eq!(answers(&[&list, &id("echo"), &id("mine")]), unlisted);
    // A second list, and a command in place of an id, end it.
    let other = json!({"mine": listed("echo", "other")}).to_string();
    assert_eq!(answers(&[&list, &other, &id("mine")]), b"");
    let command = listed("echo", "other").to_string();
    assert_eq!(answers(&[&list, &command, &id("mine")]), b"");
    assert_eq!(answers(&["made-up nonsense", &id("mine")]), b"");
}
