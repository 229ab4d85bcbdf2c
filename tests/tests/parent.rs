//! The program ends with its watched parent, even if another process keeps its input open.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use byokey_tests::{Home, Host, PATIENCE, Server, Setup, byokey};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

/// How long the program may outlive it.
const PROMISE: Duration = Duration::from_secs(1);
/// How long a program that must live on is observed.
const LIVES_ON: Duration = Duration::from_millis(1500);

/// A shell, a second one that it started, and the program started by that one. The test holds the
/// program's input open.
struct Family {
    first: Child,
    input: PipeWriter,
    output: BufReader<PipeReader>,
    /// The standard error of the second shell and the program.
    said: mpsc::Receiver<String>,
    _home: Home,
}

impl Family {
    /// The arguments may name the first shell as `$FIRST`.
    fn found(arguments: &str) -> Self {
        let home = Home::new("");
        let (stdin, input) = std::io::pipe().unwrap();
        let (output, stdout) = std::io::pipe().unwrap();
        let (said, stderr) = std::io::pipe().unwrap();
        // A background process of a shell has no input unless it is given one.
        let script = format!(
            "exec 3<&0; export FIRST=$$; sh -c '\"$0\" app-server {arguments} <&3 & wait $!; \
             echo exit code $? >&2' \"$0\" & wait"
        );
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]).arg(byokey());
        command.env_clear().env("PATH", "/usr/bin:/bin");
        command.env("HOME", home.path());
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        let first = command.process_group(0).spawn().unwrap();
        drop(command);
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(said).lines().map_while(Result::ok);
            lines.map(|line| sender.send(line)).all(|sent| sent.is_ok())
        });
        Self {
            first,
            input,
            output: BufReader::new(output),
            said: lines,
            _home: home,
        }
    }

    fn initialize(&mut self, process_id: Value) -> Value {
        let client = json!({"name": "test-host", "version": "1.0"});
        let params = json!({"clientInfo": client, "processId": process_id});
        self.ask(&json!({"id": 1, "method": "initialize", "params": params}))
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.input, "{request}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn kill_first(&mut self) {
        self.first.kill().unwrap();
        self.first.wait().unwrap();
    }

    /// Returns the next line, within this time.
    fn hears(&self, within: Duration) -> Option<String> {
        self.said.recv_timeout(within).ok()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        // The remaining processes are in the group of the first one.
        let group = i32::try_from(self.first.id()).ok().and_then(Pid::from_raw);
        let _ = kill_process_group(group.unwrap(), Signal::KILL);
        let _ = self.first.wait();
    }
}

#[test]
fn the_end_of_an_ancestor_ends_the_program() {
    for named_by_flag in [true, false] {
        let mut family = Family::found(if named_by_flag {
            "--parent-pid $FIRST"
        } else {
            ""
        });
        let named = if named_by_flag {
            Value::Null
        } else {
            json!(family.first.id())
        };
        assert_eq!(family.initialize(named)["id"], 1);
        assert_eq!(family.hears(Duration::ZERO), None);
        family.kill_first();
        let killed = Instant::now();
        assert_eq!(family.hears(PATIENCE).as_deref(), Some("exit code 0"));
        assert!(killed.elapsed() <= PROMISE, "{:?}", killed.elapsed());
        drop(family);
    }
}

#[test]
fn without_a_process_to_watch_the_program_lives_on() {
    let mut family = Family::found("");
    assert_eq!(family.initialize(Value::Null)["id"], 1);
    family.kill_first();
    assert_eq!(family.hears(LIVES_ON), None);
    let answer = family.ask(&json!({"id": 2, "method": "account/read"}));
    assert_eq!(answer["id"], 2);
}

#[tokio::test]
async fn a_process_that_is_no_ancestor_is_ignored_with_one_line() {
    let mut stranger = Command::new("sleep").arg("600").spawn().unwrap();
    let pid = stranger.id();
    let mut server = Setup::default()
        .argument("--parent-pid")
        .argument(&pid.to_string())
        .start();
    let mut host = Host::new(&mut server);
    let client = json!({"name": "test-host", "version": "1.0"});
    let params = json!({"clientInfo": client, "processId": pid});
    host.request("initialize", params).await.unwrap();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert!(host.quiet_for(LIVES_ON).await.is_empty());
    host.request("account/read", json!({})).await.unwrap();
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
    let log = server.whole_log().await;
    assert_eq!(
        log.matches("is not an ancestor of this one").count(),
        1,
        "{log}"
    );
}

#[tokio::test]
async fn a_process_id_is_a_number() {
    let mut server = Server::start();
    let mut host = Host::new(&mut server);
    let client = json!({"name": "test-host", "version": "1.0"});
    for bad in [json!("1"), json!(-1), json!(1.5), json!(4_294_967_296_u64)] {
        let params = json!({"clientInfo": client, "processId": bad});
        let refused = host.request("initialize", params).await.unwrap_err();
        assert_eq!(refused.code, -32602, "{bad}");
        assert_eq!(refused.data["path"], "processId", "{bad}");
    }
    for ignored in [json!(0), json!(4_294_967_295_u32)] {
        let mut server = Server::start();
        let mut host = Host::new(&mut server);
        let params = json!({"clientInfo": client, "processId": ignored});
        host.request("initialize", params).await.expect("ignored");
    }
}
