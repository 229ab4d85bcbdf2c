//! The command line as people meet it: mistakes, examples, the version, completions, manual pages,
//! and a server that is started by hand.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Output, Stdio};

use byokey_tests::{Home, byokey};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use serde_json::Value;

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(byokey())
        .args(arguments)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn mistyped_words_are_answered_with_the_ones_that_were_meant() {
    for (wrong, meant) in [("statsu", "'status'"), ("app-sever", "'app-server'")] {
        let output = run(&[wrong], &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(meant), "{}", stderr(&output));
    }
    let output = run(&["login", "--device"], &[]);
    assert!(stderr(&output).contains("'--device-auth'"), "{output:?}");
}

#[test]
fn colour_is_for_terminals_and_can_be_forced_and_forbidden() {
    let has_colour =
        |variables: &[(&str, &str)]| stdout(&run(&["--help"], variables)).contains('\u{1b}');
    assert!(!has_colour(&[]));
    assert!(has_colour(&[("CLICOLOR_FORCE", "1")]));
    assert!(!has_colour(&[("NO_COLOR", "1")]));
}

#[test]
fn help_has_examples_that_are_commands() {
    for command in [
        &[][..],
        &["app-server"],
        &["login"],
        &["status"],
        &["run"],
        &["token"],
        &["doctor"],
    ] {
        let help = stdout(&run(&[command, &["--help"]].concat(), &[]));
        let (_, examples) = help.split_once("Examples:\n").unwrap();
        let lines = examples.lines().take_while(|line| line.starts_with("  "));
        for line in lines {
            let (_, words) = line.split_once("byokey ").unwrap();
            // Two spaces begin what it is for.
            let words = words.split("  ").next().unwrap().split_whitespace();
            // What follows `run` and its options is another program's.
            let is_run = words.clone().next() == Some("run");
            let words = words.take(if is_run { 1 } else { usize::MAX });
            let output = run(&words.chain(["--help"]).collect::<Vec<_>>(), &[]);
            assert!(output.status.success(), "{line}: {}", stderr(&output));
        }
    }
}

#[test]
fn help_has_sections() {
    let help = stdout(&run(&["app-server", "--help"], &[]));
    for section in ["\nOptions:\n", "\nListening:\n", "\nSettings:\n"] {
        assert!(help.contains(section), "{help}");
    }
    let (own, _) = help.split_once("\nSettings:\n").unwrap();
    assert!(own.contains("--trace-protocol"), "{help}");
    let help = stdout(&run(&["login", "--help"], &[]));
    let (own, _) = help.split_once("\nSettings:\n").unwrap();
    assert!(own.contains("--device-auth"), "{help}");
}

#[test]
fn the_version_can_be_read_by_programs() {
    let output = run(&["version", "--json"], &[]);
    let version: Value = serde_json::from_slice(&output.stdout).unwrap();
    let line = stdout(&run(&["--version"], &[]));
    assert_eq!(line, stdout(&run(&["version"], &[])));
    let (codex, own) = (&version["codexLevel"], &version["version"]);
    assert_eq!(
        line.trim(),
        format!(
            "codex-cli {} (byokey {})",
            codex.as_str().unwrap(),
            own.as_str().unwrap()
        )
    );
    assert!(version["target"].as_str().unwrap().contains('-'));
    assert!(
        version["features"]
            .as_array()
            .unwrap()
            .contains(&"standby".into())
    );
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&run(&["completion", shell], &[]));
        assert!(script.contains("import-codex"), "{shell}");
        assert!(script.contains("doctor"), "{shell}");
    }
}

#[test]
fn manual_pages_are_written() {
    let home = Home::new("");
    let folder = home.path().join("man/man1");
    let output = run(&["man", "--out", folder.to_str().unwrap()], &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    for page in [
        "byokey.1",
        "byokey-app-server.1",
        "byokey-doctor.1",
        "byokey-login.1",
    ] {
        let text = std::fs::read_to_string(folder.join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
        assert!(text.contains("\n.SH EXAMPLES\n.nf\n  byokey "), "{page}");
    }
}

/// `mandoc -T lint` remarks on neither.
#[test]
fn manual_pages_have_short_lines_and_nothing_at_their_ends() {
    let home = Home::new("");
    let output = run(&["man", "--out", home.path().to_str().unwrap()], &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut has_wrapped = false;
    for page in std::fs::read_dir(home.path()).unwrap() {
        let path = page.unwrap().path();
        if path.extension() != Some("1".as_ref()) {
            continue;
        }
        let mut last = 0;
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            assert_eq!(line, line.trim_end(), "{}", path.display());
            let is_text = !line.starts_with(['.', '\'', ' ']);
            assert!(!is_text || line.len() <= 80, "{}: {line}", path.display());
            let word = line.split(' ').next().unwrap().len();
            has_wrapped |= is_text && last > 0 && last + word >= 80;
            last = if is_text { line.len() } else { 0 };
        }
    }
    assert!(has_wrapped, "a long line goes on in the next one");
}

/// The lines that it gives are pasted, and answered.
#[test]
fn a_server_started_at_a_terminal_says_what_to_paste() {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let ours = rustix::pty::openpt(flags).unwrap();
    rustix::pty::grantpt(&ours).unwrap();
    rustix::pty::unlockpt(&ours).unwrap();
    let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let theirs = rustix::fs::open(&name, flags, Mode::empty()).unwrap();

    let home = Home::new("");
    let mut server = Command::new(byokey())
        .arg("app-server")
        .env("HOME", home.path())
        .env("CODEX_HOME", home.path())
        .stdin(theirs)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(server.stderr.take().unwrap()).lines();
    let told: Vec<String> = told
        .map(Result::unwrap)
        .take_while(|line| !line.contains("--help"))
        .collect();
    let pasted: Vec<_> = told.iter().filter(|line| line.starts_with('{')).collect();
    assert_eq!(pasted.len(), 2, "{told:?}");

    let mut terminal = File::from(ours);
    let mut answers = BufReader::new(server.stdout.take().unwrap()).lines();
    for (number, line) in (1..).zip(pasted) {
        writeln!(terminal, "{line}").unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["id"], number);
        assert!(answer["result"].is_object(), "{answer}");
    }
    // Ctrl-D
    terminal.write_all(&[4]).unwrap();
    assert!(server.wait().unwrap().success());
}

/// A host that talks through pipes reads nothing of it.
#[test]
fn a_server_that_is_spawned_says_nothing() {
    let home = Home::new("");
    let output = Command::new(byokey())
        .arg("app-server")
        .env("HOME", home.path())
        .env("CODEX_HOME", home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(stderr(&output), "");
}
