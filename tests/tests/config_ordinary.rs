//! Common configurations of codex's users: all of them work.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::path::Path;

use byokey_dev_backend::{DevBackend, Options, TestToken};
use byokey_tests::server::mock_provider;
use byokey_tests::{Host, Setup};
use serde_json::{Value, json};

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    std::fs::write(path, bytes).unwrap();
}

/// Logs in and runs a conversation with this `config.toml`. Returns the warnings.
async fn converse(bytes: &[u8]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("config.toml"), bytes);
    let home = folder.path().display().to_string();
    let mut server = Setup::default().environment("CODEX_HOME", &home).start();
    let mut host = Host::initialized(&mut server).await;
    let read = host.start("account/read", json!({})).await;
    let mut warnings = Vec::new();
    loop {
        let mut message = host.next().await.unwrap();
        if message["id"] == read {
            break;
        }
        warnings.push(message["params"].take());
    }
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    let thread = host.request("thread/start", json!({})).await.unwrap();
    assert_eq!(thread["model"], "mock-model");
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread["thread"]["id"], "input": input});
    host.request("turn/start", params).await.unwrap();
    let turn = host.notification("turn/completed").await;
    assert_eq!(turn["turn"]["status"], "completed", "{turn}");
    warnings
}

fn backend() -> (DevBackend, String) {
    let backend = DevBackend::start(Options::new()).unwrap();
    let settings = mock_provider(&backend.base_url());
    (backend, settings)
}

const UNKNOWN: &str = r#"
approval_policy = "on-request" # a comment
sandbox_mode = "workspace-write"
model_reasoning_effort = "high"
notify = ["notify-send", "codex"]
a_setting_of_tomorrow = { nested = [1, 2.5, 1979-05-27] }
[features]
a_feature_of_tomorrow = true
[tui]
theme = "dark"
[projects."/home/ada/work"]
trust_level = "trusted"
"#;

const MCP_SERVERS: &str = r#"
[mcp_servers.context7]
command = "npx"
args = ["-y", "@upstash/context7-mcp"]
env = { KEY = "made-up" }
[mcp_servers."with spaces"]
url = "https://mcp.example"
"#;

const UNSELECTED_PROVIDERS: &str = r#"
[model_providers.unselected]
name = 5
base_url = ["not", "an", "address"]
wire_api = "chat"
env_key = "NOT_SET"
http_headers = { a = 1 }
[model_providers.ollama-cloud]
name = "Ollama"
base_url = "http://localhost:11434/v1"
"#;

const UNSELECTED_PROFILES: &str = r#"
[profiles.old]
model = "gpt-5"
model_provider = "nowhere"
[profiles."with spaces"]
approval_policy = "never"
"#;

/// These settings behind those of the mock stop nothing and are no reason for a warning.
async fn stop_nothing(settings: &[&str]) {
    let (_backend, mock) = backend();
    let warnings = converse(format!("{mock}{}", settings.concat()).as_bytes()).await;
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[tokio::test]
async fn unknown_settings_stop_nothing() {
    // Some of them are keys of the top, where the mock's come last.
    let (_backend, mock) = backend();
    let (top, tables) = UNKNOWN.split_once("[features]").unwrap();
    let warnings = converse(format!("{top}{mock}[features]{tables}").as_bytes()).await;
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[tokio::test]
async fn mcp_servers_stop_nothing() {
    stop_nothing(&[MCP_SERVERS]).await;
}

#[tokio::test]
async fn unselected_providers_stop_nothing() {
    stop_nothing(&[UNSELECTED_PROVIDERS]).await;
}

#[tokio::test]
async fn unselected_profiles_stop_nothing() {
    stop_nothing(&[UNSELECTED_PROFILES]).await;
}

#[tokio::test]
async fn all_of_them_together_stop_nothing() {
    let all = [
        UNKNOWN,
        MCP_SERVERS,
        UNSELECTED_PROVIDERS,
        UNSELECTED_PROFILES,
    ];
    stop_nothing(&all).await;
}

#[tokio::test]
async fn windows_line_ends_are_read() {
    let (_backend, mock) = backend();
    let text = format!("# é\n{mock}{MCP_SERVERS}").replace('\n', "\r\n");
    assert!(converse(text.as_bytes()).await.is_empty());
}

#[tokio::test]
async fn every_encoding_with_a_name_and_every_line_end_is_read() {
    let (_backend, mock) = backend();
    let text = format!("# é\n{mock}");
    let windows = text.replace('\n', "\r\n");
    let little = windows.encode_utf16().flat_map(u16::to_le_bytes);
    let big = windows.encode_utf16().flat_map(u16::to_be_bytes);
    let files: [Vec<u8>; 4] = [
        windows.clone().into(),
        [b"\xEF\xBB\xBF", windows.as_bytes()].concat(),
        [0xFF, 0xFE].into_iter().chain(little).collect(),
        [0xFE, 0xFF].into_iter().chain(big).collect(),
    ];
    for file in files {
        let warnings = converse(&file).await;
        // codex cannot read UTF-16, so its user is warned.
        let is_utf16 = file.starts_with(&[0xFF, 0xFE]) || file.starts_with(&[0xFE, 0xFF]);
        assert_eq!(warnings.len(), usize::from(is_utf16), "{warnings:?}");
        assert!(
            warnings
                .iter()
                .all(|warning| warning.to_string().contains("UTF-16"))
        );
    }
}

#[tokio::test]
async fn a_file_of_many_projects_is_read() {
    let (_backend, mut text) = backend();
    while text.len() < 2 * 1024 * 1024 {
        let length = text.len();
        write!(
            text,
            "[projects.\"/home/ada/{length}\"]\ntrust_level = \"trusted\"\n"
        )
        .unwrap();
    }
    assert!(converse(text.as_bytes()).await.is_empty());
}

#[tokio::test]
async fn our_own_settings_lie_in_our_own_folder_and_are_still_read_in_codexs() {
    let store = |text: &str| format!("[byokey]\nstore = \"{text}\"\n");
    let own = store("file");
    for (ours, codexs, notices) in [(&own, "", 0), (&String::new(), &*own, 1), (&own, &*own, 1)] {
        let ours_home = tempfile::tempdir().unwrap();
        write(&ours_home.path().join("config.toml"), ours.as_bytes());
        let home = ours_home.path().display().to_string();
        let setup = Setup::default().config(codexs);
        let mut server = setup.environment("BYOKEY_HOME", &home).start();
        let mut host = Host::initialized(&mut server).await;
        let key = json!({"type": "apiKey", "apiKey": "sk-made-up"});
        let login = host.start("account/login/start", key).await;
        let mut warnings = 0;
        loop {
            let message = host.next().await.unwrap();
            if message["id"] == login {
                assert!(message["error"].is_null(), "{message}");
                break;
            }
            if message["method"] == "configWarning" {
                let summary = message["params"]["summary"].as_str().unwrap();
                assert!(summary.contains("still read"), "{summary}");
                warnings += 1;
            }
        }
        assert_eq!(warnings, notices, "{ours} {codexs}");
        assert!(ours_home.path().join("auth.json").exists());
    }
}
