//! Unix sockets: private, with any framing, and removed with the program.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use byokey_dev_backend::TestToken;
use byokey_tests::{Listening, PATIENCE, Setup};
use futures_util::{SinkExt as _, StreamExt as _};
use rustix::net::SocketAddrUnix;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixSocket, UnixStream};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    folder
}

fn url(path: &Path) -> String {
    format!("unix://{}", path.display())
}

async fn refusal(path: &Path) -> String {
    let setup = Setup::default().argument("--listen").argument(&url(path));
    let mut server = setup.start();
    assert_eq!(server.exit_code().await, Some(2));
    server.whole_log().await
}

// Row: the Unix socket
#[tokio::test]
async fn the_usual_place_is_made_for_us_alone() {
    let mut listening = Listening::start(Setup::default(), "unix://").await;
    let home = listening.server.home.path();
    let socket = home.join(".local/share/byokey/run/app-server.sock");
    assert_eq!(listening.socket(), socket);
    let in_codexs_home = fs::read_dir(listening.server.home.codex_home()).unwrap();
    assert_eq!(
        in_codexs_home.count(),
        0,
        "nothing of ours is in codex's home"
    );
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().unwrap()), 0o700);
    let mut host = listening.unix_host().await;
    host.login(&TestToken::new("unix").encode(), "ws-1").await;
    listening.server.terminate();
    assert!(host.rest().await.is_empty());
    assert_eq!(listening.server.exit_code().await, Some(0));
    assert!(!socket.exists());
}

#[tokio::test]
async fn what_is_left_of_a_killed_program_is_replaced() {
    let folder = folder();
    let path = folder.path().join("x.sock");
    let mut first = Listening::start(Setup::default(), &url(&path)).await;
    let pid = i32::try_from(first.server.pid())
        .ok()
        .and_then(Pid::from_raw);
    kill_process(pid.unwrap(), Signal::KILL).unwrap();
    assert_eq!(first.server.exit_code().await, None);
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
    let second = Listening::start(Setup::default(), &url(&path)).await;
    let mut host = second.unix_host().await;
    host.request("account/read", json!({})).await.unwrap();

    let text = format!(
        "byokey: another server is listening on {}; stop it, or choose another path with \
         --listen unix://PATH\n",
        path.display()
    );
    assert_eq!(refusal(&path).await, text);
    host.request("account/read", json!({})).await.unwrap();
}

/// A stopped server accepts nothing, and a blocking connection to it would never be made.
#[tokio::test]
async fn a_socket_with_a_full_backlog_is_in_use() {
    let folder = folder();
    let path = folder.path().join("x.sock");
    let address = SocketAddrUnix::new(&path).unwrap();
    let socket = || UnixSocket::new_stream().unwrap();
    let stopped = socket();
    rustix::net::bind(&stopped, &address).unwrap();
    rustix::net::listen(&stopped, 0).unwrap();
    let mut waiting = Vec::new();
    let full = loop {
        let client = socket();
        let connected = rustix::net::connect(&client, &address);
        waiting.push(client);
        if let Err(error) = connected {
            break error;
        }
    };
    assert_eq!(full, rustix::io::Errno::WOULDBLOCK);
    let text = refusal(&path).await;
    assert!(text.contains("another server is listening"), "{text}");
}

#[tokio::test]
async fn a_socket_that_is_not_the_programs_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("x.sock");
    let mut listening = Listening::start(Setup::default(), &url(&path)).await;
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    listening.server.terminate();
    assert_eq!(listening.server.exit_code().await, Some(0));
    assert!(path.exists());
}

#[tokio::test]
async fn a_place_that_others_can_look_into_is_refused() {
    let folder = folder();
    let file = folder.path().join("file");
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    fs::write(&file, "something").unwrap();
    let text = format!(
        "byokey: {} exists and is a file, not a socket; choose another path with --listen \
         unix://PATH\n",
        file.display()
    );
    assert_eq!(refusal(&file).await, text);
    assert_eq!(fs::read_to_string(&file).unwrap(), "something");

    fs::set_permissions(folder.path(), Permissions::from_mode(0o750)).unwrap();
    let path = folder.path().display();
    let text = format!(
        "byokey: {path} is open to others; run `chmod 700 {path}` as its owner, who must be you, \
         or choose another folder\n"
    );
    assert_eq!(refusal(&folder.path().join("x.sock")).await, text);
    assert_eq!(mode(folder.path()), 0o750, "it is not changed");
}

/// codex's daemon listens in a folder of its own and leaves a link to its socket in codex's home.
#[tokio::test]
async fn the_removal_of_another_programs_socket_is_never_advised() {
    let folder = folder();
    let socket = folder.path().join("daemon.sock");
    let _daemon = UnixListener::bind(&socket).unwrap();
    let link = folder.path().join("app-server-control.sock");
    symlink(&socket, &link).unwrap();
    for (path, problem) in [
        (&link, "exists and is a link, not a socket"),
        (&socket, "another server is listening"),
    ] {
        let text = refusal(path).await;
        assert!(text.contains(problem), "{text}");
        assert!(text.contains("choose another path with --listen"), "{text}");
        assert!(!text.contains("remove"), "{text}");
        assert!(path.exists());
    }
}

#[tokio::test]
async fn a_usual_place_that_is_too_long_is_an_error_that_names_the_option() {
    let folder = folder();
    let home = folder.path().join("long".repeat(40));
    let setup = Setup::default()
        .environment("BYOKEY_HOME", home.to_str().unwrap())
        .argument("--listen")
        .argument("unix://");
    let mut server = setup.start();
    assert_eq!(server.exit_code().await, Some(2));
    let text = server.whole_log().await;
    assert!(text.contains("is too long for a socket"), "{text}");
    assert!(text.contains("--listen unix://PATH"), "{text}");
    assert!(!home.exists(), "no folder is made for it");
}

#[tokio::test]
async fn a_link_that_another_user_may_replace_is_refused() {
    let folder = folder();
    let (shared, private) = (folder.path().join("shared"), folder.path().join("private"));
    fs::create_dir(&shared).unwrap();
    fs::create_dir(&private).unwrap();
    fs::set_permissions(&private, Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(&shared, Permissions::from_mode(0o777)).unwrap();
    symlink(&private, shared.join("link")).unwrap();
    let text = refusal(&shared.join("link/x.sock")).await;
    assert!(
        text.contains("which another user made or may replace"),
        "{text}"
    );
    assert_eq!(fs::read_dir(&private).unwrap().count(), 0);

    // No other user can replace it here.
    fs::set_permissions(&shared, Permissions::from_mode(0o700)).unwrap();
    let url = url(&shared.join("link/x.sock"));
    Listening::start(Setup::default(), &url).await;
}

/// Another process that holds the folder's lock delays the start, but not for ever.
#[tokio::test]
async fn a_folder_that_another_process_holds_is_an_error_in_the_end() {
    let folder = folder();
    let held = fs::File::open(folder.path()).unwrap();
    held.lock().unwrap();
    let text = refusal(&folder.path().join("x.sock")).await;
    assert!(text.contains("another process holds the folder"), "{text}");
}

#[tokio::test]
async fn clients_speak_as_they_like() {
    let folder = folder();
    let path = folder.path().join("x.sock");
    let _listening = Listening::start(Setup::default(), &url(&path)).await;
    let client = json!({"name": "test-host", "version": "1.0"});
    let request = json!({"id": 1, "method": "initialize", "params": {"clientInfo": client}});
    let text = request.to_string();

    // Lines, and the end of input, which waits for the responses.
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let burst = format!("{text}\n") + &"{\"id\":2,\"method\":\"account/read\"}\n".repeat(100);
    stream.write_all(burst.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(rest(stream).await.lines().count(), 101);

    let mut stream = UnixStream::connect(&path).await.unwrap();
    let frame = format!("Content-Length: {}\r\n\r\n{text}", text.len());
    stream.write_all(frame.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(rest(stream).await.starts_with("Content-Length: "));

    // As clients of codex do: an HTTP upgrade, without a bearer.
    let stream = UnixStream::connect(&path).await.unwrap();
    let (mut socket, _) = client_async("ws://localhost/rpc", stream).await.unwrap();
    socket.send(Message::text(text)).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap();
    let answer: Value = serde_json::from_str(answer.to_text().unwrap()).unwrap();
    assert_eq!(answer["id"], 1);

    // Web pages are still refused.
    let mut request = "ws://localhost/".into_client_request().unwrap();
    request
        .headers_mut()
        .insert("Origin", "http://localhost".parse().unwrap());
    let stream = UnixStream::connect(&path).await.unwrap();
    let refused = client_async(request, stream).await.unwrap_err();
    assert!(refused.to_string().contains("403"), "{refused}");
}

async fn rest(mut stream: UnixStream) -> String {
    let mut rest = String::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut rest)).await;
    read.expect("the end in time").unwrap();
    rest
}

#[tokio::test]
async fn there_is_place_for_so_many() {
    let folder = folder();
    let path = folder.path().join("x.sock");
    let setup = Setup::default().argument("--max-connections").argument("1");
    let listening = Listening::start(setup, &url(&path)).await;
    let mut first = listening.unix_host().await;
    let mut second = listening.unix_stranger();
    second.send(&json!({"id": 1, "method": "initialize"})).await;
    let message = second.next().await.unwrap();
    assert_eq!(message["error"]["code"], -32001);
    assert_eq!(message["error"]["data"]["kind"], "overloaded");
    assert_eq!(second.next().await, None);
    first.request("account/read", json!({})).await.unwrap();
}

/// Connects and prints how many bytes arrived before the end.
const CONNECT: &str = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.settimeout(10); \
s.connect(sys.argv[1]); s.sendall(b'{\"id\":1,\"method\":\"account/read\"}\\n'); \
print(len(s.recv(100)))";

// Row: the Unix socket
#[tokio::test]
async fn another_user_is_shown_out_even_where_the_files_let_it_in() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can act as another user");
        return;
    }
    let folder = folder();
    let path = folder.path().join("x.sock");
    let listening = Listening::start(Setup::default(), &url(&path)).await;
    let connect = |user| {
        let path = PathBuf::from(&path);
        tokio::task::spawn_blocking(move || {
            let mut python = Command::new("python3");
            python.args(["-c", CONNECT]).arg(path).uid(user).gid(user);
            python.output()
        })
    };
    let Ok(own) = connect(0).await.unwrap() else {
        println!("skipped: there is no python3 to connect with");
        return;
    };
    assert_ne!(
        String::from_utf8(own.stdout).unwrap().trim(),
        "0",
        "it is answered"
    );
    let kept_out = connect(65534).await.unwrap().unwrap();
    assert!(!kept_out.status.success(), "the folder keeps it out");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    let let_in = connect(65534).await.unwrap().unwrap();
    let (said, failed) = (let_in.stdout, String::from_utf8(let_in.stderr).unwrap());
    let shown_out = said == b"0\n" || failed.contains("Broken pipe") || failed.contains("reset");
    assert!(shown_out, "{said:?} {failed}");
    let message = "a connection of another user was refused";
    listening.server.log_with(message).await;
}
