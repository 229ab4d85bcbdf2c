//! What any program gets from `byokey run -- CMD`.

use std::collections::BTreeMap;

use byokey_dev_backend::{DevBackend, Options, Script};
use byokey_tests::gateway::{Client, TURN};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use super::world::{REFRESH_TOKEN, World, ended, get, gone, real_token};

fn variables(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .collect()
}

/// Returns what a program prints of its environment, until it has address and key.
async fn environment(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut text = String::new();
    while !(text.contains("OPENAI_API_KEY=") && text.contains("OPENAI_BASE_URL=")) {
        text.push_str(&lines.next_line().await.unwrap().expect("a line"));
        text.push('\n');
    }
    text
}

// Row: other programs on the login
#[tokio::test]
async fn a_program_gets_an_address_and_a_key_of_the_gateway_and_no_token() {
    let world = World::signed_in().await;
    let mut command = world.run(&["--", "sh", "-c", "env; read -r line"]);
    command
        .env("NO_PROXY", "corp.example")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("OPENAI_API_KEY", "sk-made-up-of-the-user");
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut text = String::new();
    while !(text.contains("OPENAI_API_KEY=")
        && text.contains("OPENAI_BASE_URL=")
        && text.contains("no_proxy="))
    {
        text.push_str(&lines.next_line().await.unwrap().expect("a line"));
        text.push('\n');
    }
    let found = variables(&text);
    let (url, key) = (
        found["OPENAI_BASE_URL"].to_owned(),
        found["OPENAI_API_KEY"].to_owned(),
    );
    assert!(
        url.starts_with("http://127.0.0.1:") && url.ends_with("/v1"),
        "{url}"
    );
    assert_ne!(key, "sk-made-up-of-the-user");
    assert_eq!(found["no_proxy"], "corp.example,127.0.0.1,localhost,::1");
    assert_eq!(get(&url, &key).await, Some(200));
    assert_eq!(get(&url, "at-made-up").await, Some(401));
    drop(child.stdin.take());
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let address = url.strip_suffix("/v1").unwrap();
    assert_eq!(
        said,
        format!("byokey: sh runs on the login of ada@example.com, through {address}\n")
    );
    assert!(!text.contains(&real_token()));
}

// Row: other programs on the login
#[tokio::test]
async fn turns_of_a_program_are_recorded_on_demand() {
    let world = World::signed_in().await;
    let file = world.home.path().join("turns.jsonl");
    let name = file.to_str().unwrap();
    let script = "env; read -r line";
    let mut command = world.run(&["--record", name, "--", "sh", "-c", script]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let text = environment(&mut child).await;
    let found = variables(&text);
    let url = found["OPENAI_BASE_URL"].strip_suffix("/v1").unwrap();
    let client = Client::new(url, found["OPENAI_API_KEY"]);
    let answer = client.post("/v1/responses", TURN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    drop(child.stdin.take());
    child.wait_with_output().await.unwrap();
    gone(url).await;
    // The last lines are written when its port is closed.
    let mut text = String::new();
    while !text.ends_with('\n') {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        text = std::fs::read_to_string(&file).unwrap();
    }
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["status"], "completed");
    assert_eq!(line["account"]["email"], "ada@example.com");
    assert!(
        !text.contains(&real_token()) && !text.contains(&client.bearer),
        "{text}"
    );
    let refused = ended(world.run(&["--record", "/", "--", "true"])).await;
    assert_eq!(refused.status.code(), Some(125));
    assert!(
        refused.stderr.contains("cannot record to"),
        "{}",
        refused.stderr
    );
}

/// The terminal is the program's, so the log has it.
#[tokio::test]
async fn a_routing_that_is_not_known_is_in_the_log_and_not_on_the_terminal() {
    let broken = json!({"preset": "routing-broken", "repeat": 0});
    let script = json!({"routes": {"accountsCheck": [broken]}});
    let script = Script::from_value(script).unwrap();
    let backend = DevBackend::start(Options::new().script(script)).unwrap();
    let world = World::with_backend(backend).await;
    world.shared.keep(&real_token(), REFRESH_TOKEN);
    let file = world.home.path().join("gateway.log");
    let name = file.to_str().unwrap();
    let script = "env; read -r line";
    let mut command = world.run(&["--gateway-log", name, "--", "sh", "-c", script]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let text = environment(&mut child).await;
    let found = variables(&text);
    let url = found["OPENAI_BASE_URL"].strip_suffix("/v1").unwrap();
    let client = Client::new(url, found["OPENAI_API_KEY"]);
    for _ in 0..2 {
        let answer = client.post("/v1/responses", TURN).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    drop(child.stdin.take());
    let said = child.wait_with_output().await.unwrap().stderr;
    assert_eq!(String::from_utf8(said).unwrap().lines().count(), 1);
    gone(url).await;
    let log = std::fs::read_to_string(&file).unwrap();
    let warnings = log.matches("the routing of the workspace is not known");
    assert_eq!(warnings.count(), 1, "{log}");
}

// Row: other programs on the login
#[tokio::test]
async fn tokens_of_the_environment_do_not_reach_the_program() {
    let world = World::empty().await;
    for (name, value) in [
        ("CODEX_ACCESS_TOKEN", "at-made-up-of-environment"),
        ("OPENAI_API_KEY", "sk-made-up-of-environment"),
    ] {
        let mut command = world.run(&["--", "sh", "-c", "env; cat /proc/self/environ"]);
        command.env(name, value);
        let output = ended(command).await;
        assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
        assert!(
            output.stdout.contains("OPENAI_BASE_URL"),
            "{}",
            output.stderr
        );
        assert!(!output.stdout.contains(value), "{name}");
    }
}

// Row: other programs on the login
#[tokio::test]
async fn without_a_login_nothing_is_started_and_the_command_that_signs_in_is_named() {
    let world = World::empty().await;
    let output = world.shell("echo started").await;
    assert_eq!(output.status.code(), Some(125));
    assert_eq!(output.stdout, "");
    assert!(
        output.stderr.contains("byokey login --store file"),
        "{}",
        output.stderr
    );
    assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
}

// Row: other programs on the login
#[tokio::test]
async fn what_cannot_be_started_has_the_exit_codes_of_env() {
    let world = World::signed_in().await;
    for (arguments, code, words) in [
        (&["--", "no-such-program"][..], 127, "no program"),
        (&["--", "./no-such-program"], 127, "cannot start"),
        (&["--", "/etc/passwd"], 126, "cannot start"),
        (&["nonsense"], 125, "codex and opencode"),
        (&["--plain"], 125, "name what to run"),
    ] {
        let output = ended(world.run(arguments)).await;
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            output.stderr
        );
        assert!(
            output.stderr.contains(words),
            "{arguments:?}: {}",
            output.stderr
        );
    }
    let mut command = world.run(&["codex", "exec"]);
    command.env("PATH", "/nonexistent");
    let output = ended(command).await;
    assert_eq!(output.status.code(), Some(127));
    assert!(
        output.stderr.contains("npm install -g @openai/codex"),
        "{}",
        output.stderr
    );
}

// Row: other programs on the login
#[tokio::test]
async fn an_agent_that_is_too_old_is_not_started() {
    let world = World::signed_in().await;
    let script = "#!/bin/sh\n[ \"$1\" = --version ] && echo codex-cli 0.98.0 || echo started\n";
    let folder = world.fake_agent("codex", script);
    let mut command = world.run(&["codex", "exec", "hello"]);
    command.env("PATH", format!("{folder}:/usr/bin:/bin"));
    let output = ended(command).await;
    assert_eq!(output.status.code(), Some(125));
    assert!(
        output.stderr.contains("0.140.0 or later"),
        "{}",
        output.stderr
    );
    assert_eq!(output.stdout, "");
}

// Row: other programs on the login
#[tokio::test]
async fn arguments_reach_an_agent_in_their_order_and_the_bearer_is_not_among_them() {
    let world = World::signed_in().await;
    let script = "#!/bin/sh\n[ \"$1\" = --version ] && exec echo codex-cli 0.171.0\n\
                  printf '%s\\n' \"$@\"\necho \"TOKEN=$CODEX_ACCESS_TOKEN\"\n";
    let folder = world.fake_agent("codex", script);
    let own = ["-m", "x", "exec", "--json", "--", "--record", "a b"];
    let mut command = world.run(&[&["codex"], &own[..]].concat());
    command.env("PATH", format!("{folder}:/usr/bin:/bin"));
    let output = ended(command).await;
    let lines: Vec<_> = output.stdout.lines().collect();
    let [ours @ .., last] = lines.as_slice() else {
        panic!("{output:?}");
    };
    assert!(ours.ends_with(&own), "{ours:?}");
    assert_eq!(ours[0], "-c");
    let bearer = last.strip_prefix("TOKEN=").unwrap();
    assert!(bearer.starts_with("at-") && bearer.len() > 40, "{bearer}");
    assert!(!ours.concat().contains(bearer));
}
