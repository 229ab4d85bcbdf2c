//! Common configurations of codex's users: all of them work.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::path::Path;

use byokey_dev_backend::{DevBackend, Options, Route, TestToken};
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

/// As the manuals of such services show them.
const PROVIDERS_OF_MANUALS: &str = r#"
[model_providers.azure]
name = "Azure"
base_url = "https://made-up.openai.azure.com/openai"
env_key = "AZURE_OPENAI_API_KEY"
query_params = { api-version = "2025-04-01-preview" }
wire_api = "responses"
[model_providers.openrouter]
name = "OpenRouter"
base_url = "https://openrouter.ai/api/v1"
env_key = "OPENROUTER_API_KEY"
env_key_instructions = "Get a key at https://openrouter.ai/keys"
http_headers = { "HTTP-Referer" = "https://example.com", "X-Title" = "Codex" }
env_http_headers = { "X-Team" = "TEAM" }
[model_providers.vllm]
name = "vLLM"
base_url = "http://10.0.0.7:8000/v1"
experimental_bearer_token = "\"in quotes\""
[model_providers.company]
name = "Company"
base_url = "https://llm.example/v1"
auth = { command = "print-token", args = ["--quiet"], timeout_ms = 5000 }
[model_providers.bedrock]
name = "Bedrock"
aws = { region = "eu-central-1", profile = "work" }
"#;

const UNSELECTED_PROFILES: &str = r#"
[profiles.old]
model = "gpt-5"
model_provider = "nowhere"
[profiles."with spaces"]
approval_policy = "never"
"#;

/// These settings behind those of the mock stop nothing and do not cause a warning.
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
    stop_nothing(&[PROVIDERS_OF_MANUALS]).await;
}

#[tokio::test]
async fn unselected_profiles_stop_nothing() {
    stop_nothing(&[UNSELECTED_PROFILES]).await;
}

/// A selected provider with its own key, as the manuals of relays show it.
#[tokio::test]
async fn a_provider_with_its_own_key_is_used() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let url = backend.base_url();
    let settings = format!(
        "model = \"gpt-5.5\"\nmodel_provider = \"relay\"\n[model_providers.relay]\n\
         name = \"Relay\"\nbase_url = \"{url}/v1/\"\nenv_key = \"RELAY_KEY\"\n\
         wire_api = \"responses\"\nquery_params = {{ api-version = \"1\" }}\n\
         http_headers = {{ \"X-Title\" = \"Codex\" }}\n{PROVIDERS_OF_MANUALS}"
    );
    let setup = Setup::default().config(&settings.replace('\n', "\r\n"));
    let mut server = setup.environment("RELAY_KEY", "made-up-key\r\n").start();
    let mut host = Host::initialized(&mut server).await;
    let thread = host.request("thread/start", json!({})).await.unwrap();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread["thread"]["id"], "input": input});
    host.request("turn/start", params).await.unwrap();
    let turn = host.notification("turn/completed").await;
    assert_eq!(turn["turn"]["status"], "completed", "{turn}");
    let request = backend.requests_to(Route::Responses).pop().unwrap();
    assert_eq!(request.bearer(), Some("made-up-key"));
    assert_eq!(request.header("x-title"), Some("Codex"));
}

#[tokio::test]
async fn a_selected_profile_is_read_with_any_line_end_and_mark() {
    let (_backend, mock) = backend();
    let windows = mock.replace('\n', "\r\n");
    let marked = format!("\u{feff}{windows}");
    for profile in [mock, windows, marked] {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        write(&file("config.toml"), b"model = \"another\"\r\n");
        write(&file("work.config.toml"), profile.as_bytes());
        let home = folder.path().display().to_string();
        let setup = Setup::default().environment("CODEX_HOME", &home);
        // The backend is named in the file of the profile.
        let quiet = [
            "byokey.standby_connections=false",
            "byokey.workspace_routing=false",
        ];
        let setup = quiet
            .iter()
            .fold(setup, |it, setting| it.argument("-c").argument(setting));
        let mut server = setup.argument("-p").argument("work").start();
        let mut host = Host::initialized(&mut server).await;
        host.login(&TestToken::new("ada").encode(), "ws-1").await;
        let thread = host.request("thread/start", json!({})).await.unwrap();
        assert_eq!(thread["model"], "mock-model");
    }
}

#[tokio::test]
async fn all_of_them_together_stop_nothing() {
    let all = [
        UNKNOWN,
        MCP_SERVERS,
        UNSELECTED_PROVIDERS,
        PROVIDERS_OF_MANUALS,
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

/// As the editors of Windows write it.
#[tokio::test]
async fn a_byte_order_mark_is_read() {
    let (_backend, mock) = backend();
    for text in [
        format!("{mock}{MCP_SERVERS}"),
        format!("{mock}{MCP_SERVERS}").replace('\n', "\r\n"),
        format!("# a comment comes first\r\n{mock}"),
    ] {
        let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
        assert!(converse(&marked).await.is_empty());
    }
}

#[tokio::test]
async fn texts_over_several_lines_are_read_with_either_line_end() {
    let (_backend, mock) = backend();
    let text = "developer_instructions = \"\"\"\nBe brief.\nBe kind.\n\"\"\"\n";
    let folder = r"notify = ['C:\Users\ada\notify.exe', 'turn']";
    for text in [
        format!("{text}{folder}\n{mock}"),
        format!("{folder}\n{mock}"),
    ] {
        assert!(converse(text.as_bytes()).await.is_empty());
        let windows = text.replace('\n', "\r\n");
        assert!(converse(windows.as_bytes()).await.is_empty());
    }
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
