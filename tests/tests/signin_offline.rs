//! The commands of "Try it offline" in docs/sign-in.md, executed verbatim.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]
#![expect(clippy::print_stdout, reason = "a skipped check tells why")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use byokey_tests::ports::LoginPorts;
use byokey_tests::{Home, PATIENCE, byokey};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

/// A browser with a user that presses "Sign in" on every page.
const BROWSER: &str = "#!/bin/sh\nexec curl -sLo /dev/null --retry 50 --retry-delay 1 \
                       --retry-connrefused \"$1&sign_in=yes\"\n";

/// Returns the blocks of shell commands in the section.
fn blocks() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/sign-in.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("\n## Try it offline\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// The terminal of a user: exports of one block are visible in the next.
struct Terminal {
    home: Home,
    path: String,
    /// Background processes of the blocks.
    groups: Vec<Pid>,
}

/// The output and the exit status of a block.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Terminal {
    fn new() -> Self {
        let home = Home::new("");
        let programs = home.path().join("bin");
        std::fs::create_dir(&programs).unwrap();
        std::os::unix::fs::symlink(byokey(), programs.join("byokey")).unwrap();
        let browser = programs.join("xdg-open");
        #[expect(clippy::disallowed_methods, reason = "the test plays the browser")]
        std::fs::write(&browser, BROWSER).unwrap();
        std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        Self {
            path: format!("{}:{path}", programs.display()),
            home,
            groups: Vec::new(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// Returns the folder created by `mktemp`.
    fn byokey_home(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.home.path()).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        let is_made = |path: &PathBuf| path.is_dir() && path.join("auth.json").exists();
        paths.find(is_made).expect("a folder with a login")
    }

    /// Returns a shell with the earlier exports.
    fn shell(&self, lines: &str) -> Command {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("[ -e exported ] && . ./exported\n{lines}")])
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.home.path())
            .env("TMPDIR", self.home.path())
            .env("DISPLAY", ":7")
            .current_dir(self.home.path())
            .process_group(0)
            .kill_on_drop(true);
        shell
    }

    /// Runs a block to its end. Its background processes continue.
    async fn run(&mut self, block: &str) -> Ended {
        let name = self.groups.len();
        let open = |end: &str| {
            let file = self.file(&format!("{name}.{end}"));
            let mut options = std::fs::File::options();
            options.create_new(true).write(true).open(file).unwrap()
        };
        let lines = format!("{block}\ncode=$?; export -p >exported; exit $code");
        let mut child = self
            .shell(&lines)
            .stdin(Stdio::null())
            .stdout(open("out"))
            .stderr(open("err"))
            .spawn()
            .unwrap();
        let group = i32::try_from(child.id().unwrap()).ok();
        self.groups.push(group.and_then(Pid::from_raw).unwrap());
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
        let (stdout, stderr) = (
            self.text(&format!("{name}.out")),
            self.text(&format!("{name}.err")),
        );
        let ended = ended.unwrap_or_else(|_| panic!("it does not end: {stdout}{stderr}"));
        Ended {
            code: ended.unwrap().code(),
            stdout,
            stderr,
        }
    }

    /// Returns how many requests the issuer and the backend have logged.
    fn requests(&self, request: &str) -> usize {
        self.text("0.err").matches(request).count()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        for group in &self.groups {
            // Most of them have ended by now.
            let _ = kill_process_group(*group, Signal::KILL);
        }
    }
}

/// Logs in with a browser on another machine: the first line prints the address, the second one
/// acts as the browser, and its output is pasted.
async fn paste(terminal: &Terminal, block: &str) {
    let (login, browser) = block.trim().split_once('\n').unwrap();
    let mut login = terminal
        .shell(login)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(login.stderr.take().unwrap()).lines();
    let address = loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = line.unwrap().unwrap().expect("the address is printed");
        if line.starts_with("http") {
            break line;
        }
    };
    let browser = terminal.shell(&browser.replace("ADDRESS", &address));
    let browser = tokio::time::timeout(PATIENCE, { browser }.output()).await;
    let last_page = browser.unwrap().unwrap().stdout;
    assert!(last_page.starts_with(b"http://localhost:1455/auth/callback?code="));
    let mut input = login.stdin.take().unwrap();
    input.write_all(&last_page).await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, login.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(0));
}

// Row: PKCE (RFC 7636)
#[tokio::test]
async fn the_lines_that_try_it_offline_do_what_they_say() {
    let curl = std::process::Command::new("curl").arg("--version").output();
    if curl.is_err() {
        println!("SKIPPED: curl is not installed; the document's lines call it");
        return;
    }
    let _ports = LoginPorts::take().await;
    let mut terminal = Terminal::new();
    let blocks = blocks();
    let [browser, headless, elsewhere, others, renewal] = blocks.as_slice() else {
        panic!("the document has {} blocks", blocks.len());
    };

    let ended = terminal.run(browser).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("Successfully logged in"));
    assert!(ended.stderr.contains("ada@example.com"), "{}", ended.stderr);
    let pasted = browser.lines().find(|line| line.starts_with("export "));
    let printed = format!("\n  {}\n", pasted.unwrap());
    assert!(ended.stdout.contains(&printed), "{}", ended.stdout);

    let ended = terminal.run(headless).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let output = std::fs::read_to_string(terminal.byokey_home().join("output")).unwrap();
    assert!(output.contains("Successfully logged in"), "{output}");

    let ended = terminal.run(others).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let logins = ended.stderr.matches("Successfully logged in");
    assert_eq!(logins.count(), 3, "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["mode"], "apikey");
    paste(&terminal, elsewhere).await;

    let before = terminal.requests("POST /oauth/token 200");
    let ended = terminal.run(renewal).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let read: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(read["result"]["account"]["email"], "ada@example.com");
    let after = terminal.requests("POST /oauth/token 200");
    assert_eq!(after - before, 2, "one for the login, one for the renewal");
    assert!(ended.stderr.contains("Successfully logged out"));
    let ended = terminal.run("byokey status").await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    // The second login replaced the first, the third the second, and so on; the last was revoked.
    assert_eq!(terminal.requests("POST /oauth/revoke 200"), 5);
}
