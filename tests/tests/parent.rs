//! The program ends with its watched parent, even if another process keeps its input open.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::listening::WebSocket;
use byokey_tests::{Home, Host, PATIENCE, Server, Setup, byokey};
use futures_util::{SinkExt as _, StreamExt as _};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// How long the program may outlive it.
const PROMISE: Duration = Duration::from_secs(1);
/// How long a program that must live on is observed.
const LIVES_ON: Duration = Duration::from_millis(1500);

/// The socket of a listener in the home folder.
const SOCKET: &str = "private/socket";
/// The argument for it.
const ON_A_SOCKET: &str = "--listen unix://$HOME/private/socket";

/// A shell, a second one that it started, and the program started by that one. The test holds the
/// program's input open.
struct Family {
    first: Child,
    input: PipeWriter,
    output: BufReader<PipeReader>,
    /// The standard error of the second shell and the program.
    said: mpsc::Receiver<String>,
    home: Home,
}

impl Family {
    /// The arguments may name the first shell as `$FIRST`, and the home folder as `$HOME`.
    fn found(arguments: &str) -> Self {
        Self::with_environment(arguments, &[])
    }

    fn with_environment(arguments: &str, environment: &[(&str, &str)]) -> Self {
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
        command.envs(environment.iter().copied());
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
            home,
        }
    }

    fn initialize(&mut self, process_id: Value) -> Value {
        self.ask(&introduction(process_id))
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.input, "{request}").unwrap();
        self.next()
    }

    /// The next message of the program.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// A client of the listener in the home folder.
    fn connect(&self) -> Client {
        Client(BufReader::new(
            UnixStream::connect(self.home.path().join(SOCKET)).unwrap(),
        ))
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

/// A connection to a listener.
struct Client(BufReader<UnixStream>);

impl Client {
    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.0.get_mut(), "{request}").unwrap();
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Whether the program closes the connection within this time, with nothing more in it.
    fn is_closed(&mut self, within: Duration) -> bool {
        self.0.get_mut().set_read_timeout(Some(within)).unwrap();
        matches!(self.0.read(&mut [0]), Ok(0))
    }
}

/// A port with its bearer, as the program reports them.
struct Port {
    place: String,
    bearer: String,
}

impl Port {
    fn of(family: &Family) -> Self {
        let (mut place, mut bearer) = (None, None);
        while place.is_none() || bearer.is_none() {
            let line = family.hears(PATIENCE).unwrap();
            let last = line.rsplit(' ').next().unwrap();
            if last.starts_with("ws://") {
                place = Some(last.to_owned());
            } else if last.ends_with(".token") {
                bearer = Some(std::fs::read_to_string(last).unwrap());
            }
        }
        let bearer = format!("Bearer {}", bearer.unwrap().trim());
        let place = place.unwrap();
        Self { place, bearer }
    }

    async fn connect(&self) -> WebSocket {
        let mut request = self.place.clone().into_client_request().unwrap();
        let bearer = self.bearer.parse().unwrap();
        request.headers_mut().insert("Authorization", bearer);
        let stream = TcpStream::connect(self.place.trim_start_matches("ws://")).await;
        let connected = client_async(request, stream.unwrap());
        let connected = tokio::time::timeout(PATIENCE, connected).await;
        connected.unwrap().unwrap().0
    }
}

async fn ask(client: &mut WebSocket, request: &Value) -> Value {
    let text = Message::text(request.to_string());
    client.send(text).await.unwrap();
    let answer = tokio::time::timeout(PATIENCE, client.next()).await;
    let answer = answer.unwrap().unwrap().unwrap();
    serde_json::from_str(answer.to_text().unwrap()).unwrap()
}

fn introduction(process_id: Value) -> Value {
    let client = json!({"name": "test-host", "version": "1.0"});
    let params = json!({"clientInfo": client, "processId": process_id});
    json!({"id": 1, "method": "initialize", "params": params})
}

impl Drop for Family {
    fn drop(&mut self) {
        // The remaining processes are in the group of the first one.
        let group = i32::try_from(self.first.id()).ok().and_then(Pid::from_raw);
        let _ = kill_process_group(group.unwrap(), Signal::KILL);
        let _ = self.first.wait();
    }
}

// Row: end of the parent, input held open
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

/// The process that one client of a listener names ends that client's connection, and not the
/// server of all.
#[test]
fn on_a_listener_a_client_ends_no_more_than_its_own_connection() {
    let mut family = Family::found(ON_A_SOCKET);
    let listening = family.hears(PATIENCE).unwrap();
    assert!(listening.contains("listening on"), "{listening}");
    let mut naming = [family.connect(), family.connect()];
    for client in &mut naming {
        let answer = client.ask(&introduction(json!(family.first.id())));
        assert_eq!(answer["id"], 1);
    }
    let mut other = family.connect();
    assert_eq!(other.ask(&introduction(Value::Null))["id"], 1);
    family.kill_first();
    let killed = Instant::now();
    for client in &mut naming {
        assert!(client.is_closed(PATIENCE));
    }
    assert!(killed.elapsed() <= PROMISE, "{:?}", killed.elapsed());
    assert_eq!(family.hears(LIVES_ON), None, "the server goes on");
    let answer = other.ask(&json!({"id": 2, "method": "account/read"}));
    assert_eq!(answer["id"], 2);
    assert_eq!(family.connect().ask(&introduction(Value::Null))["id"], 1);
}

/// The same over a port.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_port_a_client_ends_no_more_than_its_own_connection() {
    let mut family = Family::found("--listen ws://127.0.0.1:0");
    let port = Port::of(&family);
    let (mut naming, mut other) = (port.connect().await, port.connect().await);
    let named = introduction(json!(family.first.id()));
    assert_eq!(ask(&mut naming, &named).await["id"], 1);
    let unnamed = introduction(Value::Null);
    assert_eq!(ask(&mut other, &unnamed).await["id"], 1);
    family.kill_first();
    let killed = Instant::now();
    let ended = async {
        while let Some(Ok(message)) = naming.next().await {
            assert!(message.is_close(), "{message:?}");
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
    assert!(killed.elapsed() <= PROMISE, "{:?}", killed.elapsed());
    assert_eq!(family.hears(LIVES_ON), None, "the server goes on");
    let read = json!({"id": 2, "method": "account/read"});
    assert_eq!(ask(&mut other, &read).await["id"], 2);
    let mut new = port.connect().await;
    assert_eq!(ask(&mut new, &unnamed).await["id"], 1);
}

/// The command line of the server decides what it ends with.
#[test]
fn on_a_listener_the_argument_still_ends_the_server() {
    let mut family = Family::found(&format!("{ON_A_SOCKET} --parent-pid $FIRST"));
    assert!(family.hears(PATIENCE).unwrap().contains("listening on"));
    let mut client = family.connect();
    assert_eq!(client.ask(&introduction(Value::Null))["id"], 1);
    family.kill_first();
    let killed = Instant::now();
    assert_eq!(family.hears(PATIENCE).as_deref(), Some("exit code 0"));
    assert!(killed.elapsed() <= PROMISE, "{:?}", killed.elapsed());
    assert!(!family.home.path().join(SOCKET).exists());
}

// Row: end of the parent, input held open
/// What is tidied up at the end has to fit into that second.
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_does_not_answer_does_not_put_the_end_off() {
    let issuer = Issuer::start().await;
    let held = issuer.hold(Ask::Revoke);
    let url = issuer.url();
    let environment = [("CODEX_APP_SERVER_LOGIN_ISSUER", &*url)];
    // The login would open a connection to the real backend.
    let arguments = "-c byokey.standby_connections=false -c byokey.workspace_routing=false";
    let arguments = format!("{arguments} --parent-pid $FIRST");
    let mut family = Family::with_environment(&arguments, &environment);
    family.initialize(Value::Null);
    let device = json!({"type": "chatgptDeviceCode"});
    let login = json!({"id": 2, "method": "account/login/start", "params": device});
    writeln!(family.input, "{login}").unwrap();
    while family.next()["method"] != "account/updated" {}
    let logout = json!({"id": 3, "method": "account/logout"});
    assert_eq!(family.ask(&logout)["id"], 3);
    issuer.wait_for(Ask::Revoke, 1).await;
    family.kill_first();
    let killed = Instant::now();
    assert_eq!(family.hears(PATIENCE).as_deref(), Some("exit code 0"));
    assert!(killed.elapsed() <= PROMISE, "{:?}", killed.elapsed());
    drop(held);
}
