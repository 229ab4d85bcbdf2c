//! A real keyring of the desktop: gnome-keyring on a message bus of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::process::Stdio;
use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options};
use byokey_tests::command::{auth_json, run};
use byokey_tests::issuer::{Issuer, access_token};
use byokey_tests::{Home, byokey, keyring, tools};
use serde_json::{Value, json};
use tokio::process::Command;

/// Starts the keyring, runs the commands of `$STEPS`, and ends the keyring.
const SESSION: &str = r#"
if [ -n "$UNLOCK" ]; then
  printf made-up-password | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
else
  gnome-keyring-daemon --foreground --components=secrets >/dev/null 2>&1 </dev/null &
fi
keyring=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus \
    org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets 2>/dev/null \
    | grep -q "boolean true" && break
  sleep 0.1
done
export KEYRING="$keyring"
sh -c "$STEPS"
kill "$keyring"
"#;

/// Runs shell commands beside a keyring. Returns their standard output and standard error.
async fn beside_keyring(home: &Home, unlock: bool, steps: &str) -> (String, String) {
    let mut session = Command::new("dbus-run-session");
    session
        .args(["--", "sh", "-c", SESSION])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("BYOKEY", byokey())
        .env("BYOKEY_STORE", "keyring")
        .env("UNLOCK", if unlock { "1" } else { "" })
        .env("STEPS", steps)
        // codex's network requests fail.
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(60), session.output());
    let output = output.await.expect("the session ends").expect("its output");
    (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[tokio::test]
async fn a_key_lives_in_the_keyring_and_nowhere_else() {
    if keyring::is_missing() {
        return;
    }
    let home = Home::new("");
    let steps = r#"
        printf sk-made-up-key | "$BYOKEY" login --with-api-key && "$BYOKEY" status --json
        printf sk-made-up-next | "$BYOKEY" login --with-api-key && "$BYOKEY" status --json
        "$BYOKEY" logout; "$BYOKEY" status --json; echo "code $?"
    "#;
    let (printed, text) = beside_keyring(&home, true, steps).await;
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 4, "{printed}\n{text}");
    for line in &lines[..2] {
        let report: Value = serde_json::from_str(line).unwrap();
        assert_eq!(report["mode"], "apikey");
        assert_eq!(report["store"], "keyring");
    }
    let after: Value = serde_json::from_str(lines[2]).unwrap();
    assert_eq!(after["status"], "signedOut");
    assert_eq!(lines[3], "code 1");
    assert!(text.contains("Successfully logged out"), "{text}");
    assert_eq!(auth_json(&home.path().join(".local/share/byokey")), None);
    assert!(!format!("{printed}{text}").contains("made-up"));
}

#[tokio::test]
async fn a_running_gateway_notices_a_logout_from_the_keyring() {
    if keyring::is_missing() || !tools::has("curl") {
        return;
    }
    for store in ["keyring", "auto"] {
        let backend = DevBackend::start(Options::new()).unwrap();
        let home = Home::new(&format!(
            "openai_base_url = \"{}/v1\"\n",
            backend.base_url()
        ));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let steps = format!(
            r#"
            export BYOKEY_STORE={store}
            printf sk-made-up-key | "$BYOKEY" login --with-api-key
            "$BYOKEY" gateway --port {port} >/dev/null &
            gateway=$!
            key=$("$BYOKEY" gateway key)
            ask() {{
              curl -s --noproxy '*' -o /dev/null -w '%{{http_code}}\n' \
                http://127.0.0.1:{port}/v1/models -H "Authorization: Bearer $key"
            }}
            ask; "$BYOKEY" logout; ask; kill $gateway; wait $gateway
            "#
        );
        let (printed, text) = beside_keyring(&home, true, &steps).await;
        assert_eq!(printed, "200\n401\n", "{store}: {text}");
    }
}

#[tokio::test]
async fn a_locked_keyring_is_reported_and_blocks_no_request() {
    if keyring::is_missing() {
        return;
    }
    let home = Home::new("");
    let login = r#"printf sk-made-up | "$BYOKEY" login --with-api-key; echo "code $?""#;
    let (printed, text) = beside_keyring(&home, true, login).await;
    assert_eq!(printed, "code 0\n", "{text}");
    let status = r#""$BYOKEY" status; echo "code $?""#;
    let (printed, text) = beside_keyring(&home, false, status).await;
    assert_eq!(printed, "code 2\n", "{text}");
    assert!(text.contains("the keyring is locked; unlock it"), "{text}");
    let (printed, text) = beside_keyring(&home, true, status).await;
    assert_eq!(printed, "code 0\n", "nothing was lost: {text}");
}

#[tokio::test]
async fn without_a_keyring_the_store_says_so_and_auto_takes_the_file() {
    let home = Home::new("");
    let bus = format!("unix:path={}", home.path().join("no-bus").display());
    let environment = [("DBUS_SESSION_BUS_ADDRESS", bus.as_str())];
    let login = |store| ["login", "--store", store, "--with-api-key"];
    let refused = run(&home, &login("keyring"), &environment, "sk-made-up").await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("no keyring answers here"),
        "{}",
        refused.stderr
    );
    let folder = home.path().join(".local/share/byokey");
    assert_eq!(auth_json(&folder), None);
    let kept = run(&home, &login("auto"), &environment, "sk-made-up").await;
    assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    assert_eq!(
        auth_json(&folder).unwrap(),
        json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-made-up"})
    );
    let status = run(
        &home,
        &["status", "--store", "auto", "--json"],
        &environment,
        "",
    )
    .await;
    assert_eq!(status.code, Some(0));
}

// Row: the keyring
#[tokio::test]
async fn a_keyring_that_does_not_answer_is_given_up_and_nothing_is_lost() {
    if keyring::is_missing() {
        return;
    }
    let home = Home::new("");
    let steps = r#"
        # Each has a lock of its own.
        for home in first second third; do
          export BYOKEY_HOME="$HOME/$home"
          printf sk-made-up | "$BYOKEY" login --with-api-key
        done
        kill -STOP "$KEYRING"
        before=$(date +%s)
        export BYOKEY_HOME="$HOME/first"
        (printf at-made-up | "$BYOKEY" login --with-api-key; echo "login $?") &
        ("$BYOKEY" status --json; echo "status $?") &
        export BYOKEY_HOME="$HOME/second"
        ("$BYOKEY" logout --local; echo "logout $?") &
        export BYOKEY_HOME="$HOME/third"
        (printf at-made-up | "$BYOKEY" login --store auto --with-api-key; echo "auto $?") &
        wait
        echo "seconds $(($(date +%s) - before))"
        kill -CONT "$KEYRING"
        for home in first second third; do
          BYOKEY_HOME="$HOME/$home" "$BYOKEY" status --json
        done
    "#;
    let (printed, text) = beside_keyring(&home, true, steps).await;
    for ended in ["status 2", "login 1", "logout 1", "auto 1"] {
        assert!(printed.lines().any(|line| line == ended), "{printed}{text}");
    }
    assert_eq!(
        text.matches("the keyring did not answer in time").count(),
        4
    );
    let seconds = printed
        .lines()
        .find_map(|line| line.strip_prefix("seconds "));
    let seconds: u64 = seconds.unwrap().parse().unwrap();
    assert!((20..=30).contains(&seconds), "{seconds}");
    let reports = printed.lines().filter(|line| line.starts_with('{'));
    let reports: Vec<Value> = reports
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let (silent, later) = reports.split_first().unwrap();
    assert_eq!(silent["status"], "failed", "{printed}{text}");
    assert_eq!(silent["error"]["kind"], "storeFailed");
    assert_eq!(later.len(), 3, "{printed}{text}");
    assert!(later.iter().all(|report| report["mode"] == "apikey"));
    assert_eq!(auth_json(&home.path().join("third")), None);
    assert!(!format!("{printed}{text}").contains("made-up"));
}

/// The environment of codex and of `byokey` in that home, and what codex needs to use an issuer.
const CODEX: &str = r#"
    export CODEX_HOME="$HOME/.codex" NO_PROXY=127.0.0.1
    in_keyring() {
      dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
        org.freedesktop.Secret.Service.SearchItems "dict:string:string:service,Codex Auth" \
        | grep -o "/org/freedesktop/secrets/collection/login/[0-9]*"
    }
    when_changed() {
      dbus-send --session --print-reply --dest=org.freedesktop.secrets "$(in_keyring)" \
        org.freedesktop.DBus.Properties.Get string:org.freedesktop.Secret.Item string:Modified \
        | grep -o "uint64 .*"
    }
"#;

#[tokio::test]
async fn the_login_that_codex_keeps_in_the_keyring_is_taken_without_touching_it() {
    let Some(codex) = byokey_tests::codex::program() else {
        return;
    };
    if keyring::is_missing() {
        return;
    }
    let home = Home::new("cli_auth_credentials_store = \"keyring\"");
    let issuer = Issuer::start().await;
    let (url, codex) = (issuer.url(), codex.display().to_string());
    let steps = format!(
        r#"{CODEX}
        "{codex}" login --device-auth --experimental_issuer {url} >/dev/null 2>&1
        echo "codex $?"; [ ! -e "$CODEX_HOME/auth.json" ] && echo "no file"
        when_changed; sleep 1.1
        "$BYOKEY" import-codex --store file; echo "import $?"
        "$BYOKEY" status --store file --json
        "$BYOKEY" import-codex --store file --take-refresh-token 2>/dev/null; echo "take $?"
        when_changed; "{codex}" login status 2>&1 | grep -o "Logged in using ChatGPT"
        printf sk-made-up-codex | "{codex}" login --with-api-key >/dev/null 2>&1
        "$BYOKEY" import-codex --store file; echo "key $?"
        "#
    );
    let (printed, text) = beside_keyring(&home, true, &steps).await;
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 9, "{printed}\n{text}");
    assert_eq!(lines[..2], ["codex 0", "no file"]);
    assert_eq!(lines[3], "import 0", "{text}");
    assert!(
        text.contains("Only the access token was imported"),
        "{text}"
    );
    let report: Value = serde_json::from_str(lines[4]).unwrap();
    assert_eq!(report["email"], "ada@example.com");
    assert_eq!(report["refresh"], "nobody");
    assert_eq!(lines[5], "take 0");
    assert_eq!(lines[6], lines[2], "codex's entry is as it was");
    assert_eq!(lines[7], "Logged in using ChatGPT");
    assert_eq!(lines[8], "key 2");
    assert!(
        text.contains("byokey login --store file --with-api-key"),
        "{text}"
    );
    let kept = auth_json(&home.path().join(".local/share/byokey")).unwrap();
    assert_eq!(kept["tokens"]["access_token"], access_token(1));
    assert_eq!(kept["tokens"]["refresh_token"], "rt-made-up-1");
    assert!(!format!("{printed}{text}").contains("made-up"));
}

#[tokio::test]
async fn a_locked_keyring_with_codexs_login_is_reported() {
    let Some(codex) = byokey_tests::codex::program() else {
        return;
    };
    if keyring::is_missing() {
        return;
    }
    let home = Home::new("cli_auth_credentials_store = \"keyring\"");
    let codex = codex.display();
    let login = format!(
        r#"{CODEX} printf sk-made-up | "{codex}" login --with-api-key 2>/dev/null; echo "code $?""#
    );
    let (printed, text) = beside_keyring(&home, true, &login).await;
    assert_eq!(printed, "code 0\n", "{text}");
    let import = format!(r#"{CODEX} "$BYOKEY" import-codex --store file; echo "code $?""#);
    let (printed, text) = beside_keyring(&home, false, &import).await;
    assert_eq!(printed, "code 2\n", "{text}");
    assert!(text.contains("the keyring is locked; unlock it"), "{text}");
    assert_eq!(auth_json(&home.path().join(".local/share/byokey")), None);
}
