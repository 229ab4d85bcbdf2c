//! The lines at the top of docs/gateway.md lead from nothing to an answer, as they stand there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, Route};
use byokey_tests::ports::LoginPorts;
use byokey_tests::{Home, byokey, tools};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

/// A browser with a user that presses "Sign in" on every page.
const BROWSER: &str = "#!/bin/sh\nexec curl -sLo /dev/null --retry 50 --retry-delay 1 \
                       --retry-connrefused \"$1&sign_in=yes\"\n";
/// How long a block may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Returns the shell commands before the first section, on ports that are free.
fn blocks() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/gateway.md");
    let text = std::fs::read_to_string(path).unwrap();
    let begin = text.split("\n## ").next().unwrap();
    let blocks = begin.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| {
        let block = block.split("```").next().unwrap();
        ["8455", "8456"]
            .iter()
            .fold(block.to_owned(), |block, port| {
                block.replace(port, &free_port().to_string())
            })
    });
    blocks.collect()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Runs a block in a home with a browser. Returns what it printed.
#[expect(clippy::disallowed_methods, reason = "the test plays the browser")]
async fn printed(block: &str, config: &str, variables: &[(&str, &str)]) -> String {
    let home = Home::new(config);
    let programs = home.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(byokey(), programs.join("byokey")).unwrap();
    let browser = programs.join("xdg-open");
    std::fs::write(&browser, BROWSER).unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| home.path().join(name));
    let mut shell = Command::new("sh");
    shell
        .args(["-e", "-c", block])
        .env_clear()
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("HOME", home.path())
        .env("TMPDIR", home.path())
        .env("CODEX_HOME", home.codex_home())
        .env("DISPLAY", ":7")
        .envs(variables.iter().copied())
        .current_dir(home.path())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&stdout).unwrap())
        .stderr(std::fs::File::create(&stderr).unwrap());
    let mut child = shell.spawn().unwrap();
    let group = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
    // What it started in the background.
    let _ = kill_process_group(group, Signal::KILL);
    let text = std::fs::read_to_string(&stdout).unwrap();
    let problems = std::fs::read_to_string(&stderr).unwrap();
    let status = ended.unwrap_or_else(|_| panic!("it takes too long: {text}{problems}"));
    assert!(status.unwrap().success(), "{block}{text}{problems}");
    text
}

// Row: other programs on the login
#[tokio::test]
async fn three_lines_lead_from_nothing_to_an_answer() {
    if !tools::has("curl") {
        return;
    }
    let blocks = blocks();
    let [own, offline] = blocks.as_slice() else {
        panic!("two blocks: {blocks:?}");
    };
    assert_eq!(own.lines().count(), 3, "{own}");
    // Each holds them while it signs in.
    let _ports = LoginPorts::take().await;
    let backend = DevBackend::start(Options::new()).unwrap();
    let url = backend.base_url();
    let config = format!("chatgpt_base_url = \"{url}/backend-api\"\n");
    let issuer = [("CODEX_APP_SERVER_LOGIN_ISSUER", url.as_str())];
    let answer = printed(own, &config, &issuer).await;
    assert!(answer.contains("You said: Hello"), "{answer}");
    assert_eq!(backend.count(Route::Responses), 1);
    let answer = printed(offline, "", &[]).await;
    assert!(answer.contains("You said: Hello"), "{answer}");
}
