//! Process hardening against other processes.
//!
//! Each test is shown to be able to fail: with `--allow-debug`, the same access succeeds.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed; one that is skipped says so"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use byokey_tests::issuer::Issuer;
use byokey_tests::{Host, Server, Setup, byokey, tools};
use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process};
use serde_json::{Value, json};

/// Id of the unprivileged user `nobody`.
const NOBODY: &str = "65534";

/// A fake token.
const TOKEN: &str = "at-made-up-token-of-the-environment";

/// Starts a program, and returns its report on its protection.
async fn start(setup: Setup) -> (Server, Host, Value) {
    let mut server = setup.start();
    let mut host = Host::new(&mut server);
    let mut answer = host.introduce("test-host", json!({})).await;
    (server, host, answer["hardening"].take())
}

fn field(pid: u32, file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test]
async fn the_report_says_what_is_so() {
    let (server, _host, report) = start(Setup::default()).await;
    let expected = json!({
        "dumpable": false,
        "coreLimit": 0,
        "wipingAllocator": true,
        "noNewPrivileges": true,
        "filesReadOnly": true,
        "lockedMemory": true,
    });
    assert_eq!(report, expected);
    assert_eq!(
        field(server.pid(), "limits", "Max core file size"),
        "0 0 bytes"
    );
    assert_eq!(field(server.pid(), "status", "NoNewPrivs:"), "1");

    // Otherwise a process could gain privileges and then change files.
    let (server, _host, report) = start(Setup::default().argument("--allow-debug")).await;
    assert_eq!(report["filesReadOnly"], true);
    assert_eq!(report["noNewPrivileges"], true);
    assert_eq!(field(server.pid(), "status", "NoNewPrivs:"), "1");

    let open = Setup::default()
        .argument("--allow-debug")
        .argument("--allow-file-changes");
    let (server, _host, report) = start(open).await;
    assert_eq!(report["dumpable"], true);
    assert_eq!(report["noNewPrivileges"], false);
    assert_eq!(report["filesReadOnly"], false);
    assert_eq!(field(server.pid(), "status", "NoNewPrivs:"), "0");
}

#[tokio::test]
async fn memory_that_cannot_be_locked_shows_in_the_report_and_once_in_the_log() {
    let refused = "does not lock memory";
    if !tools::has("setpriv") {
        return;
    }
    for (limit, is_granted) in [(0, false), (64, true)] {
        let setup = Setup::default().locked_memory(limit);
        let (mut server, mut host, report) = start(setup).await;
        assert_eq!(report["lockedMemory"], is_granted);
        assert!(!server.log().contains(refused), "there was nothing to lock");
        for number in 0..3 {
            let token = byokey_tests::MadeUp::jwt(&format!("locked-{number}"), 400);
            host.login(&token.text, "ws-1").await;
        }
        let locked = field(server.pid(), "status", "VmLck:");
        assert_eq!(locked, if is_granted { "4 kB" } else { "0 kB" });
        host.close_input();
        let log = server.whole_log().await;
        let reported = log.matches(refused).count();
        assert_eq!(reported, usize::from(!is_granted), "{log}");
    }
}

/// Returns a command prefix that runs a program as `nobody`, if possible.
fn as_nobody() -> Vec<&'static str> {
    if rustix::process::geteuid().is_root() {
        vec![
            "setpriv",
            "--reuid",
            NOBODY,
            "--regid",
            NOBODY,
            "--clear-groups",
        ]
    } else {
        // An ordinary user serves as well: it accesses a process of its own.
        Vec::new()
    }
}

fn run_as_nobody(command: &[&str]) -> Output {
    let words = [as_nobody(), command.to_vec()].concat();
    Command::new(words[0]).args(&words[1..]).output().unwrap()
}

/// Returns which accesses by another process of the same user succeed.
fn looks_that_succeed(pid: u32) -> Vec<&'static str> {
    let open = |file: &str| format!("exec 3< /proc/{pid}/{file}");
    let looks = [
        ("mem", open("mem")),
        ("maps", format!("test -n \"$(cat /proc/{pid}/maps)\"")),
        ("environ", format!("test -n \"$(cat /proc/{pid}/environ)\"")),
        ("fd", format!("ls /proc/{pid}/fd/0")),
        // A tracer that attaches stays until its timeout, which is status 124.
        (
            "ptrace",
            format!("timeout -s INT 2 strace -p {pid} -o /dev/null; test $? -eq 124"),
        ),
    ];
    let succeeds = |script: &String| run_as_nobody(&["sh", "-c", script]).status.success();
    let seen = looks.iter().filter(|(_, script)| succeeds(script));
    seen.map(|(what, _)| *what).collect()
}

#[tokio::test]
async fn others_of_the_same_user_cannot_look_in() {
    if !(tools::has("setpriv") && tools::has("strace") && tools::has("timeout")) {
        return;
    }
    // A copy that `nobody` may execute, wherever the build is.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("byokey");
    std::fs::copy(byokey(), &program).unwrap();
    for path in [folder.path(), &program] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let issuer = Issuer::start().await;
    let setup = || {
        let setup = issuer.set_up(Setup::default());
        setup
            .wrapper(&as_nobody())
            .program(program.clone())
            .environment("CODEX_ACCESS_TOKEN", TOKEN)
    };

    let (server, mut host, report) = start(setup()).await;
    assert_eq!(report["dumpable"], false);
    assert_eq!(looks_that_succeed(server.pid()), Vec::<&str>::new());
    let read = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(
        read["account"]["email"], "ada@example.com",
        "it can look into itself"
    );

    // The process that would run token commands.
    let settings = [
        "model_provider=mine",
        "model_providers.mine={name=\"Mine\", auth={command=\"made-up\"}}",
    ];
    let with_command = settings.iter().fold(setup(), |setup, setting| {
        setup.argument("-c").argument(setting)
    });
    let (server, _host, report) = start(with_command).await;
    assert_eq!(report["tokenCommands"], true);
    let children = format!("/proc/{0}/task/{0}/children", server.pid());
    let runner = std::fs::read_to_string(children).unwrap();
    let runner = runner.trim().parse().unwrap();
    assert_eq!(looks_that_succeed(runner), Vec::<&str>::new());

    let (server, _host, _) = start(setup().argument("--allow-debug")).await;
    let all = ["mem", "maps", "environ", "fd", "ptrace"];
    assert_eq!(
        looks_that_succeed(server.pid()),
        all,
        "the looks themselves work"
    );
}

#[tokio::test]
async fn no_core_is_dumped() {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let unlimited = getrlimit(Resource::Core).maximum.is_none();
    let can_fail = unlimited && !pattern.starts_with(['|', '/']);
    for (setup, dumps) in [
        (Setup::default(), false),
        (
            Setup::default()
                .argument("--allow-debug")
                .argument("--allow-file-changes"),
            true,
        ),
    ] {
        let (mut server, _host, _) = start(setup.after("ulimit -c unlimited")).await;
        let pid = i32::try_from(server.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.unwrap(), Signal::ABORT).unwrap();
        assert_eq!(server.exit_code().await, None);
        let dumped = has_core(server.home.path());
        if dumps && !can_fail {
            println!("SKIPPED: cores cannot be dumped here at all (limit, or {pattern:?})");
        } else {
            assert_eq!(dumped, dumps);
        }
    }
}

fn has_core(folder: &Path) -> bool {
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names
        .into_iter()
        .any(|name| name.to_string_lossy().starts_with("core"))
}

#[tokio::test]
async fn protection_comes_before_the_first_byte_of_input() {
    if !tools::has("strace") {
        return;
    }
    let trace = tempfile::NamedTempFile::new().unwrap();
    let path = trace.path().to_str().unwrap();
    let setup = Setup::default().wrapper(&["strace", "-f", "-o", path]);
    let (mut server, mut host, _) = start(setup).await;
    host.login(&byokey_tests::MadeUp::jwt("strace", 400).text, "ws-1")
        .await;
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));

    let calls = std::fs::read_to_string(path).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    let first = |what: &[&str]| {
        let place = calls
            .iter()
            .position(|call| what.iter().all(|word| call.contains(word)));
        place.unwrap_or_else(|| panic!("no {what:?} among {} calls", calls.len()))
    };
    let read = first(&["read(", "initialize"]);
    for protection in [
        ["prctl(PR_SET_DUMPABLE", "SUID_DUMP_DISABLE"],
        ["RLIMIT_CORE", "rlim_cur=0, rlim_max=0"],
        ["prctl(PR_SET_NO_NEW_PRIVS", "= 0"],
        ["landlock_restrict_self(", "= 0"],
    ] {
        assert!(first(&protection) < read, "{protection:?}");
    }
    let starts = calls.iter().filter(|call| call.contains("execve("));
    assert_eq!(starts.count(), 1, "no other program is started");
    let before = &calls[..first(&["PR_SET_DUMPABLE"])];
    let threads = |call: &&&str| call.contains("clone(") || call.contains("clone3(");
    assert_eq!(before.iter().filter(threads).count(), 0);
}

/// Most time between the start of the program and its protection: a promise.
const UNPROTECTED: f64 = 0.002;

/// Starts the program and records these system calls, each with its time in seconds.
fn noted(calls: &str) -> Vec<(f64, String)> {
    let trace = tempfile::NamedTempFile::new().unwrap();
    // Other calls are not slowed down.
    let status = Command::new("strace")
        .args(["--seccomp-bpf", "-f", "-ttt", "-e", calls, "-o"])
        .args([trace.path(), &byokey_tests::byokey_optimised()])
        .arg("--version")
        .stdout(std::process::Stdio::null())
        .status();
    assert!(status.unwrap().success());
    let text = std::fs::read_to_string(trace.path()).unwrap();
    let note = |line: &str| {
        let time = line.split_whitespace().nth(1)?;
        Some((time.parse().ok()?, line.to_owned()))
    };
    text.lines().filter_map(note).collect()
}

fn place(notes: &[(f64, String)], words: &str) -> usize {
    let place = notes.iter().position(|(_, call)| call.contains(words));
    place.unwrap_or_else(|| panic!("no {words}: {notes:?}"))
}

#[test]
fn before_its_protection_the_program_opens_nothing() {
    if !tools::has("strace") {
        return;
    }
    let notes = noted("trace=execve,open,openat,read,prctl");
    let (begin, end) = (
        place(&notes, "execve("),
        place(&notes, "PR_SET_NO_NEW_PRIVS"),
    );
    for (_, call) in &notes[begin + 1..end] {
        // The loader, the C library and the runtime.
        let theirs = ["/lib", "/ld.so", "/proc/self/maps"];
        let is_theirs = theirs.iter().any(|path| call.contains(path));
        assert!(is_theirs || !call.contains("open"), "{call}");
        assert!(!call.contains("read(0,"), "{call}");
    }
}

/// On a busy machine a start can take any time; the fastest of many shows what the program does.
#[test]
fn the_program_is_protected_within_two_milliseconds_of_its_start() {
    if !tools::has("strace") {
        return;
    }
    let mut fastest = f64::MAX;
    for _ in 0..300 {
        let notes = noted("trace=execve,prctl");
        let (begin, end) = (
            place(&notes, "execve("),
            place(&notes, "PR_SET_NO_NEW_PRIVS"),
        );
        fastest = fastest.min(notes[end].0 - notes[begin].0);
        if fastest <= UNPROTECTED {
            println!("protected {:.2} ms after the start", fastest * 1000.0);
            return;
        }
    }
    panic!("no sooner than {:.2} ms after the start", fastest * 1000.0);
}

#[tokio::test]
async fn arguments_and_environment_hold_no_token() {
    let (server, mut host, _) = start(Setup::default()).await;
    let token = byokey_tests::MadeUp::jwt("arguments", 400);
    host.login(&token.text, "ws-1").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    for file in ["cmdline", "environ"] {
        let Ok(bytes) = std::fs::read(format!("/proc/{}/{file}", server.pid())) else {
            println!("SKIPPED: only root may read {file} of a protected process");
            continue;
        };
        server
            .canaries
            .check_text(file, &String::from_utf8_lossy(&bytes));
    }
    for argument in ["--access-token", "--api-key", "--token"] {
        let mut server = Setup::default()
            .argument(argument)
            .argument(&token.text)
            .start();
        assert_eq!(server.exit_code().await, Some(2));
    }
}

#[tokio::test]
async fn the_token_of_the_environment_does_not_stay_there() {
    let issuer = Issuer::start().await;
    for argument in ["--max-message-bytes=1048576", "--allow-debug"] {
        // With `--allow-debug`, all processes of this user may read it; otherwise this test must be
        // root.
        let setup = Setup::default()
            .argument(argument)
            .environment("CODEX_ACCESS_TOKEN", TOKEN)
            .environment("MADE_UP_NEIGHBOUR", "stays");
        let (server, mut host, _) = start(issuer.set_up(setup)).await;
        let read = host.request("account/read", json!({})).await.unwrap();
        assert_eq!(read["account"]["email"], "ada@example.com");
        let process = format!("/proc/{}", server.pid());
        let Ok(environment) = std::fs::read_to_string(format!("{process}/environ")) else {
            assert_ne!(argument, "--allow-debug");
            continue;
        };
        assert!(environment.contains("MADE_UP_NEIGHBOUR=stays"));
        assert!(!environment.contains(TOKEN), "it can be read in /proc");
        assert!(!environment.contains("CODEX_ACCESS_TOKEN"));
        let name = std::fs::read_to_string(format!("{process}/comm")).unwrap();
        assert_eq!(name, "byokey\n");
    }
}
