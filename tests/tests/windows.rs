//! The program for Windows, run under Wine. The properties that only Windows itself could show are
//! listed in docs/decisions/0025.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed; one that is skipped says so"
)]
#![cfg(target_os = "linux")]

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, Route, TestToken};
use byokey_tests::command::{Ended, auth_json};
use byokey_tests::{Framing, Home, Host, Listening, PATIENCE, Server, Setup, cargo};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

const TARGET: &str = "x86_64-pc-windows-gnu";
/// Wine's own processes must start for the first program.
const WARMING_UP: Duration = Duration::from_secs(120);
/// How many requests are sent at once.
const MANY: usize = 10_000;

/// Wine, and the program for Windows.
struct Windows {
    wine: String,
    prefix: String,
    program: PathBuf,
    /// Starts the program as its child; see tests/windows/parent.c.
    parent: String,
}

/// Returns what tests/windows/setup.sh prepared; a changed program is rebuilt.
fn windows() -> Option<&'static Windows> {
    if std::env::var_os("BYOKEY_WINDOWS").is_none() {
        println!(
            "SKIPPED: ./test.sh --long runs the program for Windows, BYOKEY_WINDOWS is not set"
        );
        return None;
    }
    static PREPARED: OnceLock<Option<Windows>> = OnceLock::new();
    let prepared = PREPARED.get_or_init(Windows::prepare).as_ref();
    if prepared.is_none() {
        println!("SKIPPED: there is no Wine; run tests/windows/setup.sh, which says why");
    }
    prepared
}

impl Windows {
    fn prepare() -> Option<Self> {
        let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/windows");
        let cache = cache.canonicalize().ok()?;
        let wine = std::fs::read_to_string(cache.join("installed")).ok()?;
        let words = ["--package", "byokey-app-server", "--bin", "byokey"];
        let built = cargo()
            .args(["build", "--quiet", "--locked", "--target", TARGET])
            .args(words)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .status()
            .unwrap();
        assert!(built.success(), "byokey does not build for Windows");
        // <target>/<profile>/deps/<this test>
        let own = std::env::current_exe().unwrap();
        let program = own.ancestors().nth(3).unwrap().join(TARGET);
        let prepared = Self {
            wine: wine.trim().to_owned(),
            prefix: cache.join("prefix").to_str().unwrap().to_owned(),
            program: program.join("debug/byokey.exe"),
            parent: cache.join("parent.exe").to_str().unwrap().to_owned(),
        };
        prepared.warm_up();
        Some(prepared)
    }

    fn warm_up(&self) {
        let mut version = std::process::Command::new("timeout");
        version
            .arg(WARMING_UP.as_secs().to_string())
            .arg(&self.wine);
        version.arg(&self.program).arg("--version");
        version.envs(self.environment()).env_remove("DISPLAY");
        let version = version.stderr(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&version.stdout);
        assert!(said.contains("(byokey "), "{said} {}", version.status);
    }

    fn environment(&self) -> [(&str, &str); 4] {
        [
            ("WINEPREFIX", &self.prefix),
            ("WINEDEBUG", "-all"),
            ("WINEDLLOVERRIDES", "mscoree,mshtml="),
            // Relative to the working directory of the program.
            ("CODEX_HOME", ".codex"),
        ]
    }

    fn setup(&self) -> Setup {
        self.wrapped(&[&self.wine])
    }

    /// Returns the program as a descendant of another one, after this many generations.
    fn child(&self, generations: usize) -> Setup {
        let mut wrapper = vec![self.wine.as_str()];
        wrapper.resize(1 + generations, &self.parent);
        self.wrapped(&wrapper)
    }

    fn wrapped(&self, wrapper: &[&str]) -> Setup {
        let setup = Setup::default().program(self.program.clone());
        self.environment()
            .iter()
            .fold(setup.wrapper(wrapper), |setup, (name, value)| {
                setup.environment(name, value)
            })
    }

    /// Runs a command to its end.
    async fn run(&self, home: &Home, arguments: &[&str], input: &str) -> Ended {
        let mut command = Command::new(&self.wine);
        command.arg(&self.program).args(arguments);
        command.env_clear().env("HOME", home.path());
        command.envs(self.environment()).env("BYOKEY_HOME", "kept");
        command.current_dir(home.path()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that does not read may have exited.
        drop(stdin.write_all(input.as_bytes()).await);
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.unwrap().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Waits for this output of the program or its parent.
async fn said(server: &Server, words: &str) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !server.log().contains(words) {
        assert!(tokio::time::Instant::now() < deadline, "{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns a terminal: the user's end, and the other one.
fn terminal() -> (File, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let mut options = File::options();
    options.read(true).write(true);
    let terminal = options.open(name.to_str().unwrap()).unwrap();
    (File::from(person), terminal)
}

/// Creates an empty file that the parent waits for.
fn sign(server: &Server) {
    let path = server.home.path().join("look");
    let mut options = File::options();
    options.write(true).create_new(true).open(path).unwrap();
}

#[tokio::test]
async fn the_whole_story_in_both_framings() {
    let Some(windows) = windows() else { return };
    for framing in Framing::ALL {
        let backend = DevBackend::start(Options::new()).unwrap();
        let mut server = windows.setup().backend(&backend).start();
        let mut host = Host::framed(&mut server, framing);
        let answer = host.introduce("test-host", json!({})).await;
        assert_eq!(answer["platformFamily"], "windows");
        assert_eq!(answer["platformOs"], "windows");

        let old = TestToken::new("old").encode();
        host.login(&old, "ws-1").await;
        let read = host.request("account/read", json!({})).await.unwrap();
        assert_eq!(read["account"]["type"], "chatgpt", "{read}");

        backend.reject_bearer(&old);
        let limits = host.start("account/rateLimits/read", json!({})).await;
        let (id, params) = host.asked("account/chatgptAuthTokens/refresh").await;
        assert_eq!(params["reason"], "unauthorized");
        let new = TestToken::new("new").encode();
        let tokens = json!({"accessToken": new, "chatgptAccountId": "ws-1"});
        host.respond(&id, tokens).await;
        let limits = host.answer(limits).await.unwrap();
        assert_eq!(limits["rateLimits"]["primary"]["usedPercent"], 42);
        let asked = backend.requests_to(Route::Usage);
        let bearers: Vec<_> = asked.iter().filter_map(|asked| asked.bearer()).collect();
        assert_eq!(bearers, [&old, &new]);

        host.request("account/logout", json!(null)).await.unwrap();
        let read = host.request("account/read", json!({})).await.unwrap();
        assert_eq!(read["account"], Value::Null);
        host.close_input();
        assert_eq!(server.exit_code().await, Some(0));
    }
}

#[tokio::test]
async fn garbage_is_answered_and_the_rest_goes_on() {
    let Some(windows) = windows() else { return };
    let mut server = windows.setup().start();
    let mut host = Host::initialized(&mut server).await;
    for garbage in [&b"{\"id\":\n"[..], b"\xff\xfe\xfd\n", b"\x1a\r\n"] {
        host.send_raw(garbage).await;
        let refused = host.answer(Value::Null).await.unwrap_err();
        assert_eq!(refused.code, -32700);
    }
    host.send_raw(b"{\"id\":\"a\"}\r\n").await;
    assert_eq!(host.answer("a").await.unwrap_err().code, -32600);
    host.request("account/read", json!({})).await.unwrap();
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn every_one_of_many_requests_is_answered_although_the_input_ends_behind_them() {
    let Some(windows) = windows() else { return };
    let mut server = windows.setup().environment("RUST_LOG", "warn").start();
    let (mut input, output) = server.pipes();
    let client = json!({"name": "test-host", "version": "1.0"});
    let first = json!({"id": 0, "method": "initialize", "params": {"clientInfo": client}});
    let others = (1..=MANY).map(|id| json!({"id": id, "method": "account/read"}));
    let text: String = std::iter::once(first)
        .chain(others)
        .map(|request| format!("{request}\n"))
        .collect();
    let writing = async move { input.write_all(text.as_bytes()).await.unwrap() };
    let reading = async {
        // A late reader is waited for.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let (mut lines, mut answered) = (BufReader::new(output).lines(), HashSet::new());
        while let Some(line) = lines.next_line().await.unwrap() {
            let answer: Value = serde_json::from_str(&line).unwrap();
            assert!(answer["result"].is_object(), "{answer}");
            assert!(answered.insert(answer["id"].as_u64().unwrap()));
        }
        answered.len()
    };
    let both = async { tokio::join!(writing, reading).1 };
    let answered = tokio::time::timeout(3 * PATIENCE, both).await.unwrap();
    assert_eq!(answered, MANY + 1);
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn the_end_of_an_ancestor_ends_the_program() {
    let Some(windows) = windows() else { return };
    for generations in [1, 2] {
        let setup = windows.child(generations);
        let mut server = setup.argument("--parent-pid").argument("SELF").start();
        let mut host = Host::initialized(&mut server).await;
        host.request("account/read", json!({})).await.unwrap();
        assert!(!server.log().contains("not watching"), "{}", server.log());
        // The outermost parent. Its end closes no pipe: the program holds its own ends.
        server.kill().await;
        assert!(host.rest().await.is_empty(), "the output ends");
    }
}

#[tokio::test]
async fn a_process_that_is_no_ancestor_is_not_watched() {
    let Some(windows) = windows() else { return };
    let setup = windows.setup().argument("--parent-pid").argument("4");
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    host.request("account/read", json!({})).await.unwrap();
    said(&server, "is not an ancestor of this one").await;
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn others_cannot_open_its_memory_unless_debugging_is_allowed() {
    let Some(windows) = windows() else { return };
    for (arguments, dumpable, words) in [
        (&[][..], json!(false), "its memory is closed: 5"),
        (&["--allow-debug"], Value::Null, "its memory is open"),
    ] {
        let mut setup = windows.child(1);
        for argument in arguments {
            setup = setup.argument(argument);
        }
        let mut server = setup.start();
        let mut host = Host::new(&mut server);
        let report = host.introduce("test-host", json!({})).await["hardening"].take();
        let expected = json!({
            "dumpable": dumpable,
            "coreLimit": null,
            "wipingAllocator": true,
            "noNewPrivileges": null,
            "filesReadOnly": false,
        });
        assert_eq!(report, expected);
        sign(&server);
        said(&server, words).await;
        host.close_input();
        assert_eq!(server.exit_code().await, Some(0));
    }
}

/// On a console of Wine, which is displayed on a terminal of Linux.
#[tokio::test]
async fn a_console_is_read_and_its_ctrl_c_ends_the_program() {
    let Some(windows) = windows() else { return };
    let (mut person, terminal) = terminal();
    let wrapper = ["/usr/bin/setsid", "--ctty", &windows.wine];
    let setup = windows.wrapped(&wrapper).environment("TERM", "xterm");
    // Its first output is that it ignores the number.
    let setup = setup.argument("--parent-pid").argument("4");
    let input = terminal.try_clone().unwrap();
    let mut server = setup.stdin(input).stdout(terminal).start();
    said(&server, "is not an ancestor of this one").await;
    person
        .write_all(b"{\"id\":7,\"method\":\"account/read\"}")
        .unwrap();
    let mut sees = person.try_clone().unwrap();
    // It ends with the program at the latest.
    let seen = tokio::task::spawn_blocking(move || {
        let (mut screen, mut chunk) = (String::new(), [0; 4096]);
        while !screen.contains("Not initialized") {
            let Ok(count @ 1..) = sees.read(&mut chunk) else {
                break;
            };
            screen.push_str(&String::from_utf8_lossy(&chunk[..count]));
        }
        screen
    });
    // Before the console has taken over the terminal, Enter has another meaning.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !seen.is_finished() && tokio::time::Instant::now() < deadline {
        person.write_all(b"\r").unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(seen.is_finished(), "no answer; {}", server.log());
    person.write_all(b"\x03").unwrap();
    assert_eq!(server.exit_code().await, Some(0), "{}", server.log());
}

#[tokio::test]
async fn a_port_is_listened_on_and_a_unix_socket_is_not() {
    let Some(windows) = windows() else { return };
    let listening = Listening::websocket(windows.setup()).await;
    let token = listening.token_file().await;
    let token = token.to_str().unwrap().replace('\\', "/");
    let token = listening.server.home.path().join(token);
    let token = std::fs::read_to_string(token).unwrap();
    listening.connect("made-up").await.unwrap_err();
    let client = listening.connect(token.trim()).await.unwrap();
    let mut host = listening.over(client);
    byokey_tests::listening::introduce(&mut host, json!({})).await;
    host.request("account/read", json!({})).await.unwrap();

    let home = Home::new("");
    let refused = windows.run(&home, &["app-server", "--listen", "unix://"], "");
    let refused = refused.await;
    assert_eq!(refused.code, Some(2));
    let says = "unix:// is not supported on this system";
    assert!(refused.stderr.contains(says), "{}", refused.stderr);
}

#[tokio::test]
async fn a_login_is_stored_reported_and_removed() {
    let Some(windows) = windows() else { return };
    for store in ["file", "keyring"] {
        let home = Home::new("");
        let run = async |words: &[&str], input: &str| {
            let words = [words, &["--store", store]].concat();
            let ended = windows.run(&home, &words, input).await;
            assert!(!ended.stdout.contains("sk-") && !ended.stderr.contains("sk-"));
            println!("{words:?}: {}", ended.stderr);
            ended.code
        };
        let kept = || auth_json(&home.path().join("kept"));
        // An earlier run may have left entries in the keyring.
        run(&["logout"], "").await;
        assert_eq!(run(&["status"], "").await, Some(1));
        for key in ["sk-made-up-first-key", "sk-made-up-second-key"] {
            assert_eq!(run(&["login", "--with-api-key"], key).await, Some(0));
            let in_file = kept().map(|mut it| it["OPENAI_API_KEY"].take());
            assert_eq!(in_file, (store == "file").then(|| json!(key)));
        }
        assert_eq!(run(&["status"], "").await, Some(0));
        assert_eq!(run(&["logout"], "").await, Some(0));
        assert_eq!(run(&["status"], "").await, Some(1));
        assert_eq!(kept(), None);
    }
}
