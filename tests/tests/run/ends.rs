//! How a command ends, and the gateway with it.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use byokey_tests::PATIENCE;
use byokey_tests::issuer::{Ask, access_token};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt as _;
use tokio::process::Child;

use super::world::{World, ended, get, gone, real_token};

/// Reads a line of a command, and nothing behind it.
async fn next_line(child: &mut Child) -> String {
    let output = child.stdout.as_mut().unwrap();
    let read = async {
        let mut line = Vec::new();
        while let Ok(byte) = output.read_u8().await {
            if byte == b'\n' {
                break;
            }
            line.push(byte);
        }
        String::from_utf8(line).unwrap()
    };
    let read = tokio::time::timeout(PATIENCE, read).await;
    read.expect("a line in time")
}

/// Starts a shell script, and reads its first line.
async fn started(world: &World, script: &str) -> (Child, String) {
    crate::signals_by_default();
    let script = format!("echo \"$OPENAI_BASE_URL\"; {script}");
    let mut command = world.run(&["--", "sh", "-c", &script]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let url = next_line(&mut child).await;
    (child, url)
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

// Row: other programs on the login
#[tokio::test]
async fn the_exit_code_is_that_of_the_command() {
    let world = World::signed_in().await;
    for code in [0, 1, 7, 125, 255] {
        let output = world.shell(&format!("exit {code}")).await;
        assert_eq!(output.status.code(), Some(code));
    }
    let output = world.shell("kill -9 $$").await;
    assert_eq!(output.status.signal(), Some(9));
    // As a shell reports it.
    let byokey = byokey_tests::byokey();
    let line = format!(
        "{} run --store file -- sh -c 'kill -TERM $$'; echo $?",
        byokey.display()
    );
    let mut shell = world.plain("/bin/sh");
    shell.args(["-c", &line]);
    let output = ended(shell).await;
    assert_eq!(output.stdout.trim(), "143", "{}", output.stderr);
}

// Row: other programs on the login
#[tokio::test]
async fn signals_reach_the_command() {
    let world = World::signed_in().await;
    for (name, sent, code) in [
        ("TERM", Signal::TERM, 3),
        ("INT", Signal::INT, 4),
        ("HUP", Signal::HUP, 5),
        ("USR1", Signal::USR1, 6),
    ] {
        let script = format!("trap 'exit {code}' {name}; echo set; while :; do sleep 0.05; done");
        let (mut child, url) = started(&world, &script).await;
        assert_eq!(next_line(&mut child).await, "set");
        signal(&child, sent);
        let status = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap();
        assert_eq!(status.unwrap().code(), Some(code), "{name}");
        gone(&url).await;
    }
}

// Row: other programs on the login
#[tokio::test]
async fn the_gateway_ends_with_the_command_whatever_that_leaves_behind() {
    let world = World::signed_in().await;
    // What stays has every descriptor of the command, and is in its group.
    let (mut child, url) = started(
        &world,
        "sleep 60 >/dev/null & echo $!; read -r line; exit 0",
    )
    .await;
    assert!(get(&url, "x").await.is_some());
    let line = next_line(&mut child).await;
    drop(child.stdin.take());
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    gone(&url).await;
    let left = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
    kill_process(left, Signal::KILL).unwrap();
}

// Row: other programs on the login
#[tokio::test]
async fn the_gateway_ends_with_a_command_that_is_killed() {
    let world = World::signed_in().await;
    let (mut child, url) = started(&world, "read -r line").await;
    assert!(get(&url, "x").await.is_some());
    signal(&child, Signal::KILL);
    child.wait().await.unwrap();
    gone(&url).await;
}

// Row: other programs on the login
#[tokio::test]
async fn a_command_has_no_child_that_it_did_not_start() {
    let world = World::signed_in().await;
    let script = "import os\ntry:\n  os.wait()\nexcept ChildProcessError:\n  print('none')";
    let output = ended(world.run(&["--", "python3", "-c", script])).await;
    assert_eq!(output.stdout.trim(), "none", "{}", output.stderr);
}

// Row: other programs on the login
#[tokio::test]
async fn several_commands_run_at_once_each_with_a_gateway_of_its_own() {
    let world = World::signed_in().await;
    let (mut one, first) = started(&world, "read -r line").await;
    let (mut other, second) = started(&world, "read -r line").await;
    assert_ne!(first, second);
    drop(one.stdin.take());
    one.wait().await.unwrap();
    gone(&first).await;
    assert!(get(&second, "x").await.is_some());
    drop(other.stdin.take());
    other.wait().await.unwrap();
}

// Row: processes that share a store
#[tokio::test]
async fn a_gateway_and_a_server_of_one_store_spend_one_refresh_token() {
    let world = World::signed_in().await;
    let (_server, mut host) = world.shared.start().await;
    let (mut child, url) = started(&world, "echo \"$OPENAI_API_KEY\"; read -r line").await;
    let key = next_line(&mut child).await;
    world.shared.backend.reject_bearer(real_token());
    let (status, usage) = tokio::join!(
        get(&url, key.trim()),
        host.request("account/usage/read", serde_json::json!({}))
    );
    assert_eq!(status, Some(200));
    usage.unwrap();
    assert_eq!(world.shared.issuer.asked(Ask::Refresh).len(), 1);
    let kept = world.shared.kept();
    assert_eq!(kept["tokens"]["access_token"], access_token(1));
    drop(child.stdin.take());
    child.wait().await.unwrap();
}
