//! Third-party clients of codex drive the program end to end.
//!
//! The drivers are in `tests/third-party`, and `setup.sh` there installs the clients. A driver
//! checks what its client sees; this checks what the backend saw.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, Route, Script, TestToken};
use byokey_tests::{Home, Overheard, cargo};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use tokio::process::Command;

/// Timeout of a driver. It takes a second or two.
const LIMIT: Duration = Duration::from_secs(120);

const FIRST_KEY: &str = "sk-made-up-first";
const SECOND_KEY: &str = "sk-made-up-second";

#[tokio::test]
async fn openai_codex_for_python() {
    with_tokens(&["python3"], python("drive_openai_codex.py")).await;
}

#[tokio::test]
async fn codex_app_server_client_for_python() {
    with_tokens(&["python3"], python("drive_codex_app_server_client.py")).await;
}

#[tokio::test]
async fn codex_app_server_sdk_for_rust() {
    with_tokens(&[], rust_driver()).await;
}

#[tokio::test]
async fn codex_acp_for_editors() {
    let mut driver = Command::new("node");
    driver.arg(third_party("codex-acp/drive.mjs"));
    with_keys(driver).await;
}

#[tokio::test]
async fn codex_acp_with_a_configuration_of_its_user() {
    let mut driver = Command::new("node");
    driver.args([third_party("codex-acp/drive.mjs"), "configured".into()]);
    with_keys(driver).await;
}

/// Runs the driver of an editor, which passes API keys.
async fn with_keys(driver: Command) {
    let Some(backend) = drive(&["node", "npm"], driver).await else {
        return;
    };
    let expected = [
        (Route::Models, "first"),
        (Route::Responses, "first"),
        (Route::Responses, "first"),
        (Route::Responses, "second"),
    ];
    assert_eq!(seen(&backend), expected);
}

/// Runs the driver of a client that passes tokens and answers refresh requests.
async fn with_tokens(tools: &[&str], driver: Command) {
    let Some(backend) = drive(tools, driver).await else {
        return;
    };
    let expected = [
        (Route::Usage, "first"),
        (Route::Responses, "first"),
        (Route::Responses, "first"),
        (Route::Responses, "second"),
    ];
    assert_eq!(seen(&backend), expected);
}

/// Runs a driver against a backend of its own, and prints its output. Returns `None`, with a
/// message, if a required tool is missing.
async fn drive(tools: &[&str], mut driver: Command) -> Option<DevBackend> {
    let name = describe(&driver);
    if let Some(tool) = tools.iter().find(|tool| !is_installed(tool)) {
        tell(&format!("skipped: {name}: there is no {tool} here\n"));
        return None;
    }
    let backend = DevBackend::start(Options::new().script(script())).unwrap();
    let url = backend.base_url();
    let home = Home::new(&format!(
        "model = \"gpt-6.2-sol\"\nchatgpt_base_url = \"{url}/backend-api\"\nopenai_base_url = \"{url}/v1\"",
    ));
    let tokens = [token("first", "pro"), token("second", "team")];
    let secrets = tokens.iter().map(String::as_str);
    let overheard = Overheard::with_secrets(secrets.chain([FIRST_KEY, SECOND_KEY]));
    driver
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path())
        .env("BYOKEY_BIN", overheard.program())
        .env("FIRST_TOKEN", &tokens[0])
        .env("SECOND_TOKEN", &tokens[1])
        .env("FIRST_KEY", FIRST_KEY)
        .env("SECOND_KEY", SECOND_KEY)
        .current_dir(home.path());
    let (ended_well, shown) = run(driver).await;
    tell(&format!("{name}\n{shown}"));
    assert!(ended_well, "{name}: see above what it told");
    overheard.check(&shown);
    Some(backend)
}

/// Runs a driver; returns whether it ended normally in time, and its output. It has a process group
/// of its own, which is ended with it after a timeout.
async fn run(mut driver: Command) -> (bool, String) {
    let mut output = tempfile::tempfile().unwrap();
    let mut child = driver
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output.try_clone().unwrap())
        .spawn()
        .expect("the driver starts; tests/third-party/setup.sh installs what it needs");
    let group = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    let mut shown = String::new();
    let ended_well = match tokio::time::timeout(LIMIT, child.wait()).await {
        Ok(status) => status.unwrap().success(),
        Err(_) => {
            kill_process_group(group, Signal::KILL).unwrap();
            shown = format!("ended after {LIMIT:?}\n");
            false
        }
    };
    output.rewind().unwrap();
    output.read_to_string(&mut shown).unwrap();
    (ended_well, shown)
}

/// Each credential is accepted twice. The two turns get two replies, in deltas.
fn script() -> Script {
    let script = json!({
        "expireAfter": 2,
        "routes": {"responses": [
            {"text": ["Streamed ", "in ", "pieces."]},
            {"text": ["After ", "a ", "refresh."]},
        ]},
    });
    Script::from_value(script).unwrap()
}

/// Returns a token that does not expire.
fn token(label: &str, plan: &str) -> String {
    let token = TestToken {
        plan: plan.to_owned(),
        expires_at: 4_000_000_000,
        ..TestToken::new(label)
    };
    token.encode()
}

/// Returns the requests to the backend that clients cause, with their credentials.
fn seen(backend: &DevBackend) -> Vec<(Route, &'static str)> {
    let mut requests = backend.requests();
    // The lookup of the routing is the server's own.
    requests.retain(|request| request.route != Some(Route::AccountsCheck));
    let bearers = requests.iter().map(|request| {
        let bearer = request.bearer().unwrap_or_default();
        let is = |token: &str, key| bearer == token || bearer == key;
        match () {
            () if is(&token("first", "pro"), FIRST_KEY) => "first",
            () if is(&token("second", "team"), SECOND_KEY) => "second",
            () => "another",
        }
    });
    let routes = requests.iter().map(|request| request.route.unwrap());
    routes.zip(bearers).collect()
}

fn python(driver: &str) -> Command {
    let python = workspace().join(".cache/third-party/venv/bin/python");
    let mut command = Command::new(python);
    command.arg(third_party("python").join(driver));
    command
}

/// Returns the driver, built offline; `setup.sh` has built it before.
fn rust_driver() -> Command {
    // <target>/<profile>/deps/<this test>
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().nth(3).unwrap();
    let built = cargo()
        .args([
            "build",
            "--quiet",
            "--locked",
            "--offline",
            "--manifest-path",
        ])
        .arg(third_party("rust-sdk/Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status()
        .unwrap();
    assert!(built.success(), "run tests/third-party/setup.sh first");
    Command::new(target.join("debug/drive-codex-app-server-sdk"))
}

fn third_party(path: &str) -> PathBuf {
    workspace().join("tests/third-party").join(path)
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn is_installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// Returns the program and its arguments, without their folders.
fn describe(driver: &Command) -> String {
    let driver = driver.as_std();
    let words = std::iter::once(driver.get_program()).chain(driver.get_args());
    let names = words.filter_map(|word| Path::new(word).file_name());
    names
        .map(|name| name.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Prints past the test harness, which would capture it.
fn tell(text: &str) {
    let mut stderr = std::io::stderr().lock();
    stderr.write_all(text.as_bytes()).unwrap();
}
