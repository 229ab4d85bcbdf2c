//! `byokey demo`: it runs the scenario, shows no token, and reports the result in its exit code.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use byokey_dev_backend::{Fingerprint, TestToken};
use byokey_tests::{Canaries, Home, PATIENCE, byokey};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::{Winsize, tcsetwinsize};

/// The maximal width of lines.
const WIDEST: usize = 140;

/// The lifetime of the demo's tokens, in seconds, and the number of tokens per user, each of which
/// lives a second longer than the previous one.
const LIFE: u64 = 3600;
const MOST_TOKENS: u64 = 3;

/// Returns the demo in a home of its own, with an otherwise empty environment and its server at the
/// lowest log level.
fn demo(home: &Home) -> Command {
    let mut command = Command::new(byokey());
    command
        .arg("demo")
        .env_clear()
        .env("HOME", home.path())
        .env("RUST_LOG", "trace")
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Waits for the exit; `None` if a signal ended it. It is ended after a timeout.
fn exit_code(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the demo does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads to the end in the background. A terminal ends with an error.
fn collect(mut source: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = source.read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap()
    })
}

/// The output of a run.
struct Run {
    /// Every token that it may have generated.
    tokens: Vec<String>,
    code: Option<i32>,
    output: String,
    errors: String,
}

fn run(mut command: Command) -> Run {
    let begun = unix_now();
    let mut child = command.spawn().unwrap();
    let output = collect(child.stdout.take().unwrap());
    let errors = collect(child.stderr.take().unwrap());
    let code = exit_code(&mut child);
    Run {
        tokens: tokens_since(begun),
        code,
        output: output.join().unwrap(),
        errors: errors.join().unwrap(),
    }
}

/// Runs on a terminal of this width.
fn run_on_terminal(mut command: Command, columns: u16) -> Run {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let ours = rustix::pty::openpt(flags).unwrap();
    rustix::pty::grantpt(&ours).unwrap();
    rustix::pty::unlockpt(&ours).unwrap();
    let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let theirs = rustix::fs::open(&name, flags, Mode::empty()).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&theirs, size).unwrap();

    let begun = unix_now();
    let mut child = command.stdout(theirs).spawn().unwrap();
    // It still holds a copy of the terminal, which would not end then.
    drop(command);
    let output = collect(File::from(ours));
    let errors = collect(child.stderr.take().unwrap());
    let code = exit_code(&mut child);
    Run {
        tokens: tokens_since(begun),
        code,
        output: output.join().unwrap(),
        errors: errors.join().unwrap(),
    }
}

/// Returns the tokens of all demos started between then and now: they contain their expiry in
/// seconds.
fn tokens_since(begun: u64) -> Vec<String> {
    let opaque = |number| format!("made-up-opaque-token-of-dora-{number}");
    let mut tokens: Vec<_> = (1..=4).map(opaque).collect();
    for expires_at in begun + LIFE..=unix_now() + LIFE + MOST_TOKENS {
        for (owner, account, plan) in [("alice", "ws-alice", "pro"), ("bob", "ws-bob", "team")] {
            let token = TestToken {
                account: account.to_owned(),
                plan: plan.to_owned(),
                expires_at,
                ..TestToken::new(owner)
            };
            tokens.push(token.encode());
        }
    }
    tokens
}

fn unix_now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap().as_secs()
}

/// Removes colours from the text.
fn plain(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').unwrap().1)
}

/// Checks that the output is the server's log, at the requested level.
fn assert_is_log(errors: &str) {
    let levels = ["DEBUG", "TRACE"].map(|level| format!(" {level} byokey"));
    let is_log = |line: &str| levels.iter().any(|level| line.contains(level));
    assert!(errors.contains("serves"), "nothing was logged: {errors}");
    assert!(errors.lines().all(is_log), "{errors}");
}

/// Checks that the searched tokens are the demo's: it names each by a part of its digest.
fn assert_are_known(run: &Run, output: &str) {
    let known: HashSet<_> = run
        .tokens
        .iter()
        .map(|it| Fingerprint::of(it).to_string())
        .collect();
    let mut shown = HashSet::new();
    for text in output.split("‹token of ").skip(1) {
        let name = text.split_once('›').map_or(text, |(name, _)| name);
        // A cut line may cut the name.
        let fingerprint = name.split_once('#').filter(|(_, digits)| digits.len() == 4);
        shown.extend(fingerprint.map(|(_, digits)| format!("#{digits}")));
    }
    // There are nine, and two might have the same name.
    assert!((8..=9).contains(&shown.len()), "{shown:?} {output}");
    assert!(
        shown.is_subset(&known),
        "others than were searched for: {shown:?}"
    );
}

fn assert_good(run: &Run, width: usize) {
    assert_is_log(&run.errors);
    assert_eq!(run.code, Some(0), "{}", run.output);
    let output = plain(&run.output);
    let verdict = output.trim_end().lines().next_back().unwrap();
    assert!(verdict.starts_with("✓ exit code 0: "), "{verdict}");
    for line in output.lines() {
        assert!(line.chars().count() <= width, "{line}");
    }
    assert_are_known(run, &output);
    let canaries = Canaries::default();
    run.tokens.iter().for_each(|token| canaries.add(token));
    canaries.check_text("standard error", &run.errors);
    canaries.check_text("standard output", &run.output);
    canaries.check_text("a terminal", &output);
    // The beginning of every token's header and of every fake signature in base64.
    for part in ["eyJ", "c2lnbmF0dXJl"] {
        assert!(!output.contains(part), "{output}");
        assert!(!run.errors.contains(part), "{}", run.errors);
    }
}

#[test]
fn the_chapters_are_shown_in_order_and_without_tokens() {
    let home = Home::new("");
    let run = run(demo(&home));
    assert_good(&run, WIDEST);
    assert!(!run.output.contains('\x1b'));

    let mut rest = run.output.as_str();
    for expected in [
        " 1  ",
        "host → byokey     initialize [1]",
        " 2  ",
        r#"account/login/start [2] {"type":"chatgptAuthTokens","accessToken":‹token of alice, "#,
        "host ← byokey     account/login/completed",
        "host ← byokey     account/updated",
        "account/read",
        " 3  ",
        "account/rateLimits/read",
        "model/list",
        " 4  ",
        r#"item/agentMessage/delta "You " "said: ""#,
        "turn/completed",
        " 5  ",
        "turn/start",
        "401",
        "host ← byokey     account/chatgptAuthTokens/refresh [0]",
        r#"host → byokey     answer [0] {"accessToken":‹token of alice, "#,
        "200",
        "turn/completed",
        " 6  ",
        "account/rateLimits/read",
        "401",
        "account/chatgptAuthTokens/refresh",
        " 7  ",
        "‹token of bob, ",
        r#"account/updated {"authMode":"chatgptAuthTokens","planType":"team","reason":null}"#,
        " 8  ",
        "host → byokey     error",
        "error [12] hostRefused ",
        " 9  ",
        "account/logout",
        r#"{"account":null,"userId":null,"requiresOpenaiAuth":true}"#,
        "10  ",
        "byokey exits with code 0",
        "11  ",
        r#"account/login/start [2] {"type":"bearerToken","token":‹token of dora, "#,
        "401",
        "host ← byokey     account/bearerToken/refresh",
        r#"{"token":‹token of dora, "#,
        "200",
        "byokey exits with code 0",
    ] {
        let Some((_, after)) = rest.split_once(expected) else {
            panic!("no `{expected}` in what is left:\n{rest}");
        };
        rest = after;
    }

    let left = std::fs::read_dir(home.codex_home()).unwrap().count();
    let beside = std::fs::read_dir(home.path()).unwrap().count();
    assert_eq!((left, beside), (0, 1), "nothing is written to disk");
}

#[test]
fn a_terminal_gets_colours_and_lines_that_fit() {
    let home = Home::new("");
    let run = run_on_terminal(demo(&home), 80);
    assert!(run.output.contains("\x1b[32m    ✓ \x1b[0m"));
    let login = r#"account/login/start [2] {"accessToken":‹token of alice"#;
    assert!(plain(&run.output).contains(login), "{}", run.output);
    assert_good(&run, 80);
}

#[test]
fn who_wants_no_colours_gets_none() {
    let coloured = |name, value| {
        let home = Home::new("");
        let mut command = demo(&home);
        command.env(name, value);
        let run = run_on_terminal(command, 200);
        assert_good(&run, WIDEST);
        run.output.contains('\x1b')
    };
    assert!(!coloured("NO_COLOR", "1"));
    assert!(coloured("NO_COLOR", ""));
    assert!(!coloured("TERM", "dumb"));
}

#[test]
fn no_users_settings_take_part() {
    let home =
        Home::new("chatgpt_base_url = \"http://127.0.0.1:1\"\nforced_login_method = \"api\"");
    let mut command = demo(&home);
    command
        .env("CODEX_HOME", home.codex_home())
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1");
    let run = run(command);
    assert_good(&run, WIDEST);
}

#[test]
fn nothing_is_logged_unless_it_is_asked_for() {
    let home = Home::new("");
    let mut command = demo(&home);
    command.env_remove("RUST_LOG");
    let run = run(command);
    assert_eq!((run.code, run.errors.as_str()), (Some(0), ""));
}

#[test]
fn a_reader_that_leaves_ends_it() {
    let home = Home::new("");
    let mut command = demo(&home);
    // It may end before its server has logged anything.
    command.env_remove("RUST_LOG");
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let errors = collect(child.stderr.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with("byokey demo"), "{line}");
    drop(output);
    assert_eq!(exit_code(&mut child), Some(1));
    assert_eq!(errors.join().unwrap(), "");
}

/// Returns a text without what differs from run to run: fingerprints, and lengths of tokens. Other
/// numbers, such as that of the chapters, stay.
fn without_ids(text: &str) -> String {
    let mut parts = text.split('#');
    let first = parts.next().unwrap().to_owned();
    let text = parts.fold(first, |all, part| {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        all + "#" + part.get(digits.min(4)..).unwrap_or_default()
    });
    // Of a token: its length depends on the digits of a time.
    let mut parts = text.split(" bytes");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |all, part| {
        let without_length = all.trim_end_matches(|it: char| it.is_ascii_digit());
        format!("{without_length} bytes{part}")
    })
}

/// Each line of the drawing in the README is one of the output, in the same order. `docs/picture.py`
/// draws it again.
#[test]
fn the_picture_shows_what_the_demo_prints() {
    let home = Home::new("");
    let run = run(demo(&home));
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let drawn = std::fs::read_to_string(root.join("docs/demo.svg")).unwrap();
    let texts = drawn.lines().filter(|line| line.starts_with("<text "));
    let texts: Vec<_> = texts
        .map(|line| {
            line.split_once('>')
                .unwrap()
                .1
                .split("</text>")
                .next()
                .unwrap()
        })
        .map(|text| {
            text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&")
        })
        .collect();
    assert!(texts.len() > 20, "{texts:?}");
    let mut printed = run.output.lines().map(without_ids);
    for text in texts {
        // What is too wide is cut. The order of members differs between builds: another package of
        // this workspace lets `serde_json` keep it.
        let begins = text.strip_suffix('…').unwrap_or(&text);
        let begins = without_ids(begins.split('{').next().unwrap_or_default());
        let is_it = |line: String| line.starts_with(&begins);
        assert!(printed.any(is_it), "the demo does not print: {text}");
    }
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains("(docs/demo.svg)"));
}
