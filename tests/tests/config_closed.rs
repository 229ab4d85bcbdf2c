//! An unusable configuration fails closed: dependent operations are refused, and nothing is sent to
//! another recipient.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use byokey_dev_backend::{DevBackend, Options, Route, TestToken};
use byokey_tests::{Host, Refused, Server, Setup};
use serde_json::{Value, json};

/// ChatGPT, and another provider.
struct World {
    chatgpt: DevBackend,
    relay: DevBackend,
}

impl World {
    fn new() -> Self {
        let start = || DevBackend::start(Options::new()).unwrap();
        Self {
            chatgpt: start(),
            relay: start(),
        }
    }

    /// Returns settings that select the relay, in a common form.
    fn relayed(&self) -> String {
        format!(
            "model_provider = \"relay\"\nmodel = \"m\"\n{}\n{}requires_openai_auth = true\n\
             env_key = \"RELAY_KEY\"\n",
            self.account(),
            self.relay()
        )
    }

    fn account(&self) -> String {
        let url = self.chatgpt.base_url();
        format!("chatgpt_base_url = \"{url}/backend-api\"")
    }

    fn relay(&self) -> String {
        let url = self.relay.base_url();
        format!(
            "[model_providers.relay]\nname = \"relay\"\nbase_url = \"{url}/v1\"\nwire_api = \
             \"responses\"\nrequest_max_retries = 0\nstream_max_retries = 0\n"
        )
    }

    /// Returns how many requests each of them got.
    fn calls(&self) -> [usize; 2] {
        [&self.chatgpt, &self.relay].map(|backend| backend.requests().len())
    }
}

async fn login(host: &mut Host) -> Result<Value, Refused> {
    let token = TestToken::new("ada").encode();
    let params =
        json!({"type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": "ws-1"});
    host.request("account/login/start", params).await
}

async fn start_thread(host: &mut Host) -> Result<Value, Refused> {
    host.request("thread/start", json!({})).await
}

/// Runs a turn of that thread to its end.
async fn turn(host: &mut Host, thread: &Value) -> Value {
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread["thread"]["id"], "input": input});
    host.request("turn/start", params).await.unwrap();
    host.notification("turn/completed").await["turn"].take()
}

fn config_file(server: &Server) -> std::path::PathBuf {
    server.home.codex_home().join("config.toml")
}

fn write(path: &Path, bytes: &[u8]) {
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    std::fs::write(path, bytes).unwrap();
}

fn assert_invalid(refused: &Refused, words: &str) {
    assert_eq!(
        refused.kind(),
        "configurationInvalid",
        "{}",
        refused.message
    );
    assert_eq!(refused.code, -32600);
    let text = &refused.message;
    assert!(text.starts_with("failed to load configuration: "), "{text}");
    assert!(text.contains(words), "{text}");
}

#[tokio::test]
async fn a_login_does_not_stand_in_for_the_key_of_a_provider() {
    for (key, is_sent) in [
        (None, false),
        (Some(" "), false),
        (Some("sk-made-up"), true),
    ] {
        let world = World::new();
        let mut setup = Setup::default().config(&world.relayed());
        if let Some(key) = key {
            setup = setup.environment("RELAY_KEY", key);
        }
        let mut server = setup.start();
        let mut host = Host::initialized(&mut server).await;
        login(&mut host).await.unwrap();
        let thread = start_thread(&mut host).await.unwrap();
        let turn = turn(&mut host, &thread).await;
        let error = turn["error"]["message"].as_str();
        if is_sent {
            assert_eq!(turn["status"], "completed", "{turn}");
            let requests = world.relay.requests_to(Route::Responses);
            assert_eq!(requests[0].bearer(), Some("sk-made-up"));
            continue;
        }
        assert_eq!(turn["status"], "failed", "{turn}");
        assert_eq!(error, Some("Missing environment variable: `RELAY_KEY`."));
        assert_eq!(turn["error"]["kind"], "configurationInvalid");
        let list = host.request("model/list", json!({})).await.unwrap_err();
        assert_eq!(list.kind(), "configurationInvalid", "{}", list.message);
        assert_eq!(world.calls(), [0, 0]);
    }
}

#[tokio::test]
async fn another_recipient_does_not_take_the_place_of_one_that_is_not_there() {
    let cases = [
        ("relai", "Model provider `relai` not found"),
        ("oss", "Model provider `oss` not found"),
        ("ollama", "Model provider `ollama` is built into codex"),
        ("lmstudio", "Model provider `lmstudio` is built into codex"),
        (
            "amazon-bedrock",
            "is built into codex and not supported here",
        ),
    ];
    for (id, words) in cases {
        let world = World::new();
        let (account, relay) = (world.account(), world.relay());
        let config = format!("model_provider = \"{id}\"\n{account}\n{relay}");
        let mut server = Setup::default().config(&config).start();
        let mut host = Host::initialized(&mut server).await;
        // `account/read` is not affected.
        login(&mut host).await.unwrap();
        assert_invalid(&start_thread(&mut host).await.unwrap_err(), words);
        let list = host.request("model/list", json!({})).await.unwrap_err();
        assert_eq!(list.kind(), "configurationInvalid");
        assert_eq!(world.calls(), [0, 0], "{id}");
        host.request("account/rateLimits/read", json!({}))
            .await
            .unwrap();
    }
}

/// Typical broken files of tools and editors, and words of the text about each.
fn broken() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text = "forced_login_method = \"api\"\n";
    let twice = "[mcp_servers.x]\ncommand = \"npx\"\n";
    let path = "[projects.\"C:\\Users\\ada\"]\ntrust_level = \"trusted\"\n";
    let unmarked: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        (
            "a table twice",
            format!("{text}{twice}{twice}").into(),
            "config.toml:4:",
        ),
        (
            "a Windows path",
            format!("{text}{path}").into(),
            "config.toml:2:",
        ),
        (
            "Latin-1",
            [text.as_bytes(), b"# \xE9\n"].concat(),
            "config.toml:2:3: ",
        ),
        ("UTF-16 without a mark", unmarked, "config.toml"),
        (
            "half a line",
            format!("{text}model = ").into(),
            "config.toml:2:",
        ),
    ]
}

#[tokio::test]
async fn a_file_that_cannot_be_read_refuses_logins_and_calls_until_it_is_repaired() {
    for (name, bytes, words) in broken() {
        let world = World::new();
        let mut server = Setup::default().config("# to be broken").start();
        // The program reads its configuration at startup, so it is restarted.
        let file = config_file(&server);
        write(&file, &bytes);
        let home = server.home.codex_home().display().to_string();
        let mut second = Setup::default().environment("CODEX_HOME", &home).start();
        let mut host = Host::initialized(&mut second).await;
        assert_invalid(&login(&mut host).await.unwrap_err(), words);
        let warning = host.notification("configWarning").await;
        assert!(
            warning["details"].as_str().unwrap().contains(words),
            "{name}: {warning}"
        );
        assert_eq!(warning["path"], file.display().to_string());

        let key = json!({"type": "apiKey", "apiKey": "sk-made-up"});
        let refused = host.request("account/login/start", key.clone()).await;
        assert_invalid(&refused.unwrap_err(), words);
        assert_invalid(&start_thread(&mut host).await.unwrap_err(), words);
        let read = host.request("account/read", json!({})).await.unwrap();
        assert_eq!(read["account"], Value::Null);
        host.request("config/read", json!({})).await.unwrap();
        host.request("account/logout", json!(null)).await.unwrap();
        assert_eq!(world.calls(), [0, 0]);

        // Repaired: no restart is needed, and the file's policy applies.
        let repaired = format!("forced_login_method = \"chatgpt\"\n{}", world.relayed());
        write(&file, repaired.as_bytes());
        let refused = host.request("account/login/start", key).await.unwrap_err();
        assert_eq!(
            refused.kind(),
            "loginDisabled",
            "{name}: {}",
            refused.message
        );
        login(&mut host).await.unwrap();
        let thread = start_thread(&mut host).await.unwrap();
        assert_eq!(thread["modelProvider"], "relay");
        server.kill().await;
    }
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_refuses_logins_only() {
    for policy in ["forced_login_method = 1", "forced_chatgpt_workspace_id = 7"] {
        let world = World::new();
        let config = format!("{policy}\n{}", world.relayed());
        let setup = Setup::default().config(&config);
        let mut server = setup.environment("RELAY_KEY", "sk-made-up").start();
        let mut host = Host::initialized(&mut server).await;
        let name = policy.split(' ').next().unwrap();
        assert_invalid(&login(&mut host).await.unwrap_err(), name);
        // The provider's own key needs no login.
        let thread = start_thread(&mut host).await.unwrap();
        let turn = turn(&mut host, &thread).await;
        assert_eq!(turn["status"], "completed", "{turn}");
    }
}

#[tokio::test]
async fn one_header_that_cannot_be_used_stops_the_calls_of_its_provider() {
    let world = World::new();
    let relay = world.relayed().replace("env_key = \"RELAY_KEY\"\n", "");
    let config = format!("{relay}http_headers = {{ X-Good = \"a\", X-Bad = 7 }}\n");
    let mut server = Setup::default().config(&config).start();
    let mut host = Host::initialized(&mut server).await;
    login(&mut host).await.unwrap();
    let refused = start_thread(&mut host).await.unwrap_err();
    assert_invalid(
        &refused,
        "`model_providers.relay.http_headers.X-Bad` must be a string",
    );
    assert_eq!(world.calls(), [0, 0]);
}

#[tokio::test]
async fn a_profile_is_a_file_and_anything_else_is_refused() {
    let world = World::new();
    let base = world.account();
    let profile = world.relayed();
    let legacy = format!("profile = \"work\"\n{base}");
    let table = format!("{base}\n[profiles.work]\nmodel = \"x\"\n");
    let cases: [(&str, &str, Option<&str>); 4] = [
        ("work", &base, None),
        ("nope", &base, Some("config profile `nope` not found")),
        (
            "",
            &legacy,
            Some("legacy `profile = \"work\"` config is no longer supported"),
        ),
        (
            "work",
            &table,
            Some("--profile `work` cannot be used while "),
        ),
    ];
    for (name, config, refusal) in cases {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("config.toml"), config.as_bytes());
        write(&folder.path().join("work.config.toml"), profile.as_bytes());
        let home = folder.path().display().to_string();
        let mut setup = Setup::default().environment("CODEX_HOME", &home);
        setup = setup.environment("RELAY_KEY", "sk-made-up");
        if !name.is_empty() {
            setup = setup.argument("-p").argument(name);
        }
        let mut server = setup.start();
        let mut host = Host::initialized(&mut server).await;
        let Some(words) = refusal else {
            login(&mut host).await.unwrap();
            let thread = start_thread(&mut host).await.unwrap();
            assert_eq!(turn(&mut host, &thread).await["status"], "completed");
            assert_eq!(world.chatgpt.requests().len(), 0);
            assert_eq!(world.relay.count(Route::Responses), 1);
            continue;
        };
        assert_invalid(&login(&mut host).await.unwrap_err(), words);
        assert_invalid(&start_thread(&mut host).await.unwrap_err(), words);
        assert_eq!(world.chatgpt.requests().len(), 0);
    }
}

/// What was known under the settings before is not used under those that were mended.
#[tokio::test]
async fn a_mended_setting_decides_about_models_and_the_version_that_is_stated() {
    let world = World::new();
    let settings = |model: &str, version: &str, rest: &str| {
        format!(
            "model_provider = \"relay\"\nmodel = \"{model}\"\n{rest}\n{}\n{}\
             experimental_bearer_token = \"made-up-key\"\n[byokey]\ncodex_version = \"{version}\"\n",
            world.account(),
            world.relay()
        )
    };
    let broken = settings("gpt-5.5", "0.150.0", "forced_login_method = 7");
    let mut server = Setup::default().config(&broken).start();
    let mut host = Host::initialized(&mut server).await;
    let default = async |host: &mut Host| {
        let list = host.request("model/list", json!({})).await.unwrap();
        let listed = list["data"].as_array().unwrap().iter();
        let default = listed.filter(|model| model["isDefault"] == true);
        default.map(|model| model["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(default(&mut host).await, ["gpt-5.5"]);
    assert_eq!(default(&mut host).await, ["gpt-5.5"]);
    assert_eq!(world.calls(), [0, 1], "it is cached");
    assert_invalid(&login(&mut host).await.unwrap_err(), "forced_login_method");
    assert_eq!(default(&mut host).await, ["gpt-5.5"]);
    assert_eq!(world.calls(), [0, 1], "nothing changed");

    let mended = settings("gpt-5.6-luna", "0.160.0", "");
    write(&config_file(&server), mended.as_bytes());
    login(&mut host).await.unwrap();
    assert_eq!(default(&mut host).await, ["gpt-5.6-luna"]);
    let versions = world.relay.requests_to(Route::Models).into_iter();
    let versions: Vec<_> = versions
        .map(|request| {
            let agent = request.header("user-agent").unwrap().to_owned();
            let stated = agent.split_once('/').unwrap().1;
            let stated = stated.split_once(' ').unwrap().0.to_owned();
            assert!(request.path.contains(&format!("client_version={stated}")));
            stated
        })
        .collect();
    assert_eq!(versions, ["0.150.0", "0.160.0"]);
}
