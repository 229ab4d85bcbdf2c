//! The token of the login, or the key, is in no byte of codex: its memory, its environment, what its tools print,
//! and its home; nor in what is recorded of it.

use std::path::Path;
use std::time::Duration;

use byokey_dev_backend::Route;
use byokey_tests::Memory;
use byokey_tests::codex::program;
use byokey_tests::turns::script;
use serde_json::{Value, json};

use super::codex::PATIENCE;
use super::world::{REFRESH_TOKEN, World, ended_within, real_token};

/// What codex is asked, which its memory has then.
const PROMPT: &str = "look around in the made-up home of this test";

/// The key where one is stored in place of a login.
const KEY: &str = "sk-made-up-key-of-the-canary-alone";

/// Returns parts of the token that nothing else has: its payload names the user, as codex does.
fn parts() -> Vec<String> {
    let token = real_token();
    let payload = token.split('.').nth(1).unwrap();
    let end = token.len() - 24;
    let parts = vec![
        token.clone(),
        payload.get(..48).unwrap().to_owned(),
        token.get(end..).unwrap().to_owned(),
        REFRESH_TOKEN.to_owned(),
    ];
    // The search of memory finds nothing shorter.
    assert!(parts.iter().all(|part| part.len() >= 16));
    parts
}

fn assert_absent(parts: &[String], place: &str, bytes: &[u8]) {
    for part in parts {
        let found = bytes
            .windows(part.len())
            .any(|window| window == part.as_bytes());
        assert!(!found, "{place} has a part of the secret");
    }
}

/// Returns the steps of a backend in which the model has codex run a command.
pub(crate) fn runs(command: &str) -> Value {
    let call = json!({
        "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "exec_command",
        "arguments": json!({"cmd": command}).to_string(),
    });
    json!([{"events": [
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_item.done", "output_index": 0, "item": call},
        {"type": "response.completed", "response": {"id": "resp_1", "output": [], "usage":
            {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}},
    ]}])
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = std::fs::symlink_metadata(&path).unwrap();
        if kind.is_dir() {
            files(&path, found);
        } else if kind.is_file() {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

/// The recording has both requests of the turn: what codex said, did and got.
async fn assert_recorded(file: &Path, account: &Value, parts: &[String]) {
    let lines = async {
        loop {
            let text = std::fs::read_to_string(file).unwrap();
            if text.lines().count() >= 2 && text.ends_with('\n') {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let text = tokio::time::timeout(PATIENCE, lines).await;
    let text = text.expect("two lines");
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["status"], "completed", "{line}");
        assert_eq!(&line["account"], account);
    }
    for said in [PROMPT, "exec_command", "function_call_output", "CODEX_HOME"] {
        assert!(text.contains(said), "the recording has no {said}");
    }
    assert_absent(parts, "the recording", text.as_bytes());
}

#[expect(clippy::print_stdout, reason = "skipped steps are reported")]
fn reads_memory() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("SKIPPED: only root reads the memory of other programs");
    }
    is_root
}

// Row: codex on the login
#[tokio::test]
async fn no_byte_of_codex_has_the_token() {
    let Some(codex) = program().filter(|_| reads_memory()) else {
        return;
    };
    let account =
        json!({"kind": "chatgpt", "email": "ada@example.com", "accountId": "account-ada"});
    look(&codex, &World::signed_in().await, &parts(), &account).await;
}

// Row: codex on the login
#[tokio::test]
async fn no_byte_of_codex_has_the_api_key() {
    let Some(codex) = program().filter(|_| reads_memory()) else {
        return;
    };
    let world = World::empty().await;
    let key = json!({"auth_mode": "apikey", "OPENAI_API_KEY": KEY});
    world.shared.write(key.to_string().as_bytes());
    let account = json!({"kind": "apiKey"});
    look(&codex, &world, &[KEY.to_owned()], &account).await;
    let requests = world.shared.backend.requests_to(Route::Responses);
    assert!(requests.iter().all(|it| it.bearer() == Some(KEY)));
}

/// Runs a turn with a tool on what this world has stored, and looks for these parts of it.
async fn look(codex: &Path, world: &World, parts: &[String], account: &Value) {
    let command = "env; tr '\\0' '\\n' </proc/$PPID/environ; cat /proc/*/environ | tr '\\0' '\\n'; \
                   cat ~/.codex/auth.json; exit 0";
    let events = runs(command);
    world
        .shared
        .backend
        .set_script(script("responses", &events));
    let recording = world.home.path().join("turns.jsonl");
    let arguments = [
        "--record",
        recording.to_str().unwrap(),
        "codex",
        "exec",
        "--skip-git-repo-check",
        "--dangerously-bypass-approvals-and-sandbox",
        PROMPT,
    ];
    let mut command = world.agent(codex, &arguments);
    let child = command.spawn().unwrap();
    let pid = child.id().unwrap();
    // Its output, which is long, is read meanwhile.
    let running = tokio::spawn(child.wait_with_output());
    let backend = &world.shared.backend;
    let looked = async {
        while backend.count(Route::Responses) < 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let gate = backend.hold(Route::Responses);
        while gate.arrived() < 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // In the middle of the second request of the turn, with the output of the tool in it.
        let memory = Memory::of(pid).unwrap();
        gate.release();
        memory
    };
    let memory = tokio::time::timeout(PATIENCE, looked)
        .await
        .expect("two requests");
    let output = tokio::time::timeout(PATIENCE, running).await;
    let output = output.expect("codex ends").unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");

    assert!(
        memory.holds(PROMPT),
        "void: {} bytes of memory",
        memory.size()
    );
    for part in parts {
        assert!(
            !memory.holds(part),
            "the memory of codex has a part of the secret"
        );
    }
    let second = &backend.requests_to(Route::Responses)[1];
    let sent = second.json().unwrap().to_string();
    assert!(
        sent.contains("function_call_output") && sent.contains("CODEX_HOME"),
        "{sent}"
    );
    assert_absent(parts, "the output of a tool", sent.as_bytes());
    assert_recorded(&recording, account, parts).await;
    let mut found = vec![
        ("standard output".to_owned(), output.stdout),
        ("standard error".to_owned(), output.stderr),
    ];
    files(world.home.path(), &mut found);
    assert!(
        found.iter().any(|(path, _)| path.contains("sessions")),
        "codex's home"
    );
    for (place, bytes) in found {
        assert_absent(parts, &place, &bytes);
    }
}

// Row: codex on the login
#[tokio::test]
async fn the_tools_of_codex_do_not_see_the_bearer_of_the_gateway() {
    let Some(codex) = program() else { return };
    for plain in [&[][..], &["--plain"]] {
        let world = World::signed_in().await;
        let url = world.shared.backend.base_url();
        world.configure(&format!(
            "chatgpt_base_url = \"{url}/backend-api\"\n[shell_environment_policy]\nexclude = \
             [\"OWN_*\"]\n"
        ));
        let events = runs("env");
        world
            .shared
            .backend
            .set_script(script("responses", &events));
        let arguments = [
            plain,
            &[
                "codex",
                "exec",
                "--skip-git-repo-check",
                "--dangerously-bypass-approvals-and-sandbox",
                "x",
            ],
        ];
        let mut command = world.agent(&codex, &arguments.concat());
        command
            .env("OWN_SECRET", "made-up-own")
            .env("SHOWN", "made-up-shown");
        let output = ended_within(command, PATIENCE).await;
        assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
        let requests = world.shared.backend.requests_to(Route::Responses);
        let sent = requests[1].json().unwrap().to_string();
        assert!(sent.contains("made-up-shown"), "{sent}");
        for hidden in ["made-up-own", "CODEX_ACCESS_TOKEN", "BYOKEY_RUN_KEY"] {
            assert!(!sent.contains(hidden), "{hidden} is visible");
        }
    }
}
