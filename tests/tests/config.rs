//! Settings and arguments in the form that codex's users write, against the spawned program.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Stdio;

use byokey_dev_backend::jwt::unsigned;
use byokey_tests::{Canaries, Framing, Home, Host, Server, Setup, byokey, turns};
use serde_json::{Value, json};
use tokio::process::Command;

/// Runs the handshake and returns the host with its warnings.
async fn warned(server: &mut Server) -> (Host, Vec<Value>) {
    let mut host = Host::initialized(server).await;
    let read = host.start("account/read", json!({})).await;
    let mut warnings = Vec::new();
    loop {
        let mut message = host.next().await.unwrap();
        if message["id"] == read {
            return (host, warnings);
        }
        assert_eq!(message["method"], "configWarning", "{message}");
        warnings.push(message["params"].take());
    }
}

async fn model(host: &mut Host) -> Value {
    host.request("thread/start", json!({})).await.unwrap()["model"].take()
}

async fn login(host: &mut Host, account: &str) -> Result<Value, String> {
    // The token itself names no workspace, so that the host's account id counts.
    let token = unsigned(&json!({"email": "ada@example.com"}), "made-up");
    let params =
        json!({"type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": account});
    let answer = host.request("account/login/start", params).await;
    answer.map_err(|refused| refused.message)
}

#[tokio::test]
async fn the_file_is_read() {
    let mut server = Setup::default().config("model = \"from-the-file\"").start();
    let (mut host, warnings) = warned(&mut server).await;
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(model(&mut host).await, "from-the-file");
}

/// Starts the program with these arguments in a home with this `config.toml` and a profile.
async fn model_with(config: &str, arguments: &[&str]) -> Value {
    let home = Home::new(config);
    let profile = home.codex_home().join("work.config.toml");
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    std::fs::write(profile, "model = \"of-the-profile\"").unwrap();
    let mut child = Command::new(byokey())
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pipes = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut host = Host::over(pipes, Framing::Lines, &Canaries::default());
    let client = json!({"clientInfo": {"name": "n", "version": "1"}});
    host.request("initialize", client).await.unwrap();
    model(&mut host).await
}

#[tokio::test]
async fn an_override_may_stand_before_and_behind_the_subcommand() {
    let file = "model = \"from-the-file\"";
    let cases: [(&[&str], &str); 7] = [
        (&["app-server"], "from-the-file"),
        (&["-c", "model=before", "app-server"], "before"),
        (&["app-server", "-c", "model=behind"], "behind"),
        (&["--config", "model=\"quoted\"", "app-server"], "quoted"),
        (
            &["-c", "model=before", "app-server", "-c", "model=behind"],
            "behind",
        ),
        (&["app-server", "--config=model=joined"], "joined"),
        (
            &["app-server", "-c", "model=one", "-c", "model = 'two'"],
            "two",
        ),
    ];
    for (arguments, expected) in cases {
        assert_eq!(model_with(file, arguments).await, expected, "{arguments:?}");
    }
}

#[tokio::test]
async fn a_profile_stands_over_the_file_and_under_overrides() {
    let file = "model = \"plain\"\n[profiles.old]\nmodel = \"of-an-old-form\"";
    let cases: [(&[&str], &str); 4] = [
        (&["--profile", "work", "app-server"], "of-the-profile"),
        (&["app-server", "-p", "work"], "of-the-profile"),
        (
            &["-p", "work", "app-server", "-c", "model=override"],
            "override",
        ),
        (&["app-server"], "plain"),
    ];
    for (arguments, expected) in cases {
        assert_eq!(model_with(file, arguments).await, expected, "{arguments:?}");
    }
}

#[tokio::test]
async fn arguments_of_codex_are_accepted() {
    let arguments = [
        ["--enable", "made_up_feature"],
        ["--disable", "another_one"],
        ["--listen", "stdio://"],
    ];
    let mut setup = Setup::default().argument("--analytics-default-enabled");
    for argument in arguments.as_flattened() {
        setup = setup.argument(argument);
    }
    let mut server = setup.start();
    let (mut host, warnings) = warned(&mut server).await;
    assert!(warnings.is_empty(), "{warnings:?}");
    host.close_input();
    let log = server.whole_log().await;
    assert_eq!(
        log.matches("a feature was named that has no meaning here")
            .count(),
        2,
        "{log}"
    );
    assert!(!log.contains("made_up_feature"), "{log}");
    let mut server = Setup::default().argument("--stdio").start();
    warned(&mut server).await;
}

#[tokio::test]
async fn a_broken_file_is_a_warning_that_names_the_place_and_quotes_nothing() {
    let broken = [
        ("model = \"good\"\nkey = \"CANARY\nmore = 1\n", 2),
        ("CANARY\n", 1),
        ("model = CANARY\n", 1),
        ("a = 1\na = \"CANARY\"\n", 2),
    ];
    for (text, line) in broken {
        let mut server = Setup::default().config(text).start();
        let path = server.home.codex_home().join("config.toml");
        let (mut host, warnings) = warned(&mut server).await;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let warning = &warnings[0];
        let summary = "Invalid configuration; logins and model calls are refused until it is \
                       repaired.";
        assert_eq!(warning["summary"], summary);
        assert_eq!(warning["path"], path.display().to_string());
        assert_eq!(warning["range"]["start"]["line"], line, "{warning}");
        assert!(warning["range"]["end"]["column"].is_u64(), "{warning}");
        assert!(!warning.to_string().contains("CANARY"), "{warning}");
        let refused = login(&mut host, "any-workspace").await.unwrap_err();
        assert!(
            refused.contains(&format!("config.toml:{line}:")),
            "{refused}"
        );
        assert!(!refused.contains("CANARY"), "{refused}");
        assert!(!server.log().contains("CANARY"), "{}", server.log());
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_a_warning() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("config.toml")).unwrap();
    let setup = Setup::default().environment("CODEX_HOME", &home.path().display().to_string());
    let mut server = setup.start();
    let (_, warnings) = warned(&mut server).await;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0]["details"]
            .as_str()
            .unwrap()
            .ends_with("the file cannot be read: it is a folder, not a regular file")
    );
}

// Codex: logout_account_succeeds_when_config_reload_fails
// Codex: account_reads_use_startup_config_when_config_reload_fails
#[tokio::test]
async fn account_reads_use_startup_config_when_config_reload_fails() {
    let mut server = Setup::default()
        .config("forced_login_method = \"chatgpt\"")
        .start();
    let mut host = Host::initialized(&mut server).await;
    login(&mut host, "ws-1").await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    std::fs::write(server.home.codex_home().join("config.toml"), "= broken").unwrap();
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"]["email"], "ada@example.com");
    // So does logout, after which the policy from startup still applies.
    host.request("account/logout", json!(null)).await.unwrap();
    let key = json!({"type": "apiKey", "apiKey": "sk-made-up"});
    let refused = host.request("account/login/start", key).await.unwrap_err();
    assert_eq!(
        refused.message,
        "API key login is disabled. Use ChatGPT login instead."
    );
}

#[tokio::test]
async fn a_forced_workspace_is_a_string_or_a_list_and_blank_means_any() {
    let refusal = |list: &str| {
        format!("External auth must use one of workspace(s) [{list}], but received \"ws-x\".")
    };
    let cases = [
        ("\"ws-a\"", Some(refusal("\"ws-a\""))),
        ("[\"ws-a\", \"ws-b\"]", Some(refusal("\"ws-a\", \"ws-b\""))),
        ("\"\"", None),
        ("[]", None),
        ("[\" \"]", None),
    ];
    for (value, expected) in cases {
        let setting = format!("forced_chatgpt_workspace_id = {value}");
        let mut server = Setup::default().config(&setting).start();
        let mut host = Host::initialized(&mut server).await;
        assert_eq!(login(&mut host, "ws-x").await.err(), expected, "{value}");
        login(&mut host, "ws-a").await.unwrap();
    }
}

#[tokio::test]
async fn a_forced_workspace_of_another_type_refuses_all_logins() {
    let mut server = Setup::default()
        .config("forced_chatgpt_workspace_id = 7")
        .start();
    let (mut host, warnings) = warned(&mut server).await;
    let details = warnings[0]["details"].as_str().unwrap();
    assert!(
        details.starts_with("`forced_chatgpt_workspace_id` must be"),
        "{details}"
    );
    let refused = login(&mut host, "ws-1").await.unwrap_err();
    assert_eq!(refused, format!("failed to load configuration: {details}"));
}

#[tokio::test]
async fn the_default_provider_needs_a_login() {
    let mut server = Server::start();
    let mut host = Host::initialized(&mut server).await;
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(
        read,
        json!({"account": null, "userId": null, "requiresOpenaiAuth": true})
    );
}

async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let child = Command::new(byokey())
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(byokey_tests::PATIENCE, child)
        .await
        .unwrap()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test]
async fn the_version_is_one_that_clients_of_codex_can_read() {
    for flag in ["--version", "-V"] {
        let (code, output, _) = run(&[flag]).await;
        assert_eq!(code, Some(0));
        let version = output.trim_end().strip_prefix("codex-cli ").unwrap();
        let (level, ours) = version.split_once(' ').unwrap();
        let numbers: Vec<u32> = level.split('.').map(|part| part.parse().unwrap()).collect();
        assert_eq!(numbers, [0, 171, 0]);
        assert_eq!(ours, format!("(byokey {})", env!("CARGO_PKG_VERSION")));
        assert_eq!(output.lines().count(), 1);
    }
}

#[tokio::test]
async fn wrong_arguments_end_the_program_with_a_reason() {
    let cases: [(&[&str], &str); 3] = [
        (
            &["app-server", "--listen", "carrier://pigeon"],
            "unsupported --listen URL",
        ),
        (&["app-server", "--no-such-option"], "--no-such-option"),
        (&["no-such-command"], "no-such-command"),
    ];
    for (arguments, reason) in cases {
        let (code, output, errors) = run(arguments).await;
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(
            output.is_empty() && errors.contains(reason),
            "{arguments:?}: {errors}"
        );
    }
}

/// codex signs in by it, and ends before `initialize` where that is refused.
#[tokio::test]
async fn workload_identity_is_reported_by_name_and_changes_nothing_else() {
    let rule = "OPENAI_FEDERATION_RULE_ID";
    let issuer = turns::backend();
    let mut answers = Vec::new();
    for (value, reports) in [("", 0), (" ", 0), ("rule-made-up", 1)] {
        let setup = Setup::default()
            .environment(rule, value)
            .environment("OPENAI_IDENTITY_TOKEN_FILE", "/nonexistent/made-up")
            .environment("CODEX_APP_SERVER_LOGIN_ISSUER", &issuer.base_url());
        let mut server = setup.config("model = \"from-the-file\"").start();
        let (mut host, warnings) = warned(&mut server).await;
        assert_eq!(warnings.len(), reports, "{warnings:?}");
        for warning in &warnings {
            assert_eq!(warning["summary"], "Workload identity is not supported.");
            let details = warning["details"].as_str().unwrap();
            assert!(
                details.starts_with(rule) && !details.contains(value),
                "{details}"
            );
        }
        let mut seen = Vec::new();
        for method in ["account/read", "getAuthStatus", "config/read"] {
            seen.push(host.request(method, json!({})).await.unwrap());
        }
        seen.push(login(&mut host, "ws-1").await.unwrap());
        seen.push(host.request("account/read", json!({})).await.unwrap());
        seen.push(model(&mut host).await);
        seen.push(host.request("account/logout", json!({})).await.unwrap());
        answers.push(seen);
    }
    assert_eq!(answers[0], answers[2]);
    assert_eq!(issuer.requests().len(), 0, "it is not asked");
}
