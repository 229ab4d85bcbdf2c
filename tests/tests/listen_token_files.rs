//! The files of secrets for WebSocket clients: mounted, a pipe, or endless.

#![cfg(unix)]

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use byokey_tests::{Listening, Setup};
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// The fake token of these tests.
const TOKEN: &str = "made-up-capability-token-of-a-test-0123";

fn with_token_file(path: &str) -> Setup {
    with(["--ws-auth", "capability-token", "--ws-token-file", path])
}

fn with_shared_secret(path: &str) -> Setup {
    let file = "--ws-shared-secret-file";
    with(["--ws-auth", "signed-bearer-token", file, path])
}

fn with(arguments: [&str; 4]) -> Setup {
    let add = |setup: Setup, argument| setup.argument(argument);
    arguments.into_iter().fold(Setup::default(), add)
}

/// A secret mounted by an orchestrator is a link to a world-readable file; one made by a shell is a
/// pipe.
#[tokio::test]
async fn a_token_file_may_be_mounted_or_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = folder.path().join("mounted");
    let secret = folder.path().join("secret");
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    std::fs::write(&secret, TOKEN).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o444)).unwrap();
    symlink(secret, &mounted).unwrap();
    let pipe = folder.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            // Waits for the program to open the other side.
            let mut pipe = std::fs::OpenOptions::new().write(true).open(pipe).unwrap();
            writeln!(pipe, "{TOKEN}").unwrap();
        }
    });
    for path in [&mounted, &pipe] {
        let path = path.to_str().unwrap();
        let setup = with_token_file(path);
        let listening = Listening::websocket(setup).await;
        assert!(listening.connect(TOKEN).await.is_ok(), "{path}");
        let warned = listening
            .server
            .log()
            .contains("other users of this machine");
        assert_eq!(warned, path.ends_with("mounted"));
    }
    writer.join().unwrap();
}

#[tokio::test]
async fn a_token_file_without_an_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (silent, sparse) = (folder.path().join("silent"), folder.path().join("sparse"));
    mknodat(CWD, &silent, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&sparse);
    file.unwrap().set_len(1 << 40).unwrap();
    for (path, problem) in [
        (silent.as_path(), "its other side did not finish within 2 s"),
        (&sparse, "it has more than 65536 bytes"),
        (folder.path(), "it is a folder, not a regular file"),
    ] {
        let path = path.to_str().unwrap();
        for setup in [with_token_file(path), with_shared_secret(path)] {
            let mut server = setup
                .argument("--listen")
                .argument("ws://127.0.0.1:0")
                .start();
            assert_eq!(server.exit_code().await, Some(2), "{path}");
            let log = server.whole_log().await;
            assert!(log.contains(problem), "{log}");
        }
    }
}
