//! Files given to the program that are not as expected.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and it plays other programs"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use byokey_tests::command::{command, run};
use byokey_tests::{Home, Host, PATIENCE, Setup};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[tokio::test]
async fn a_configuration_that_is_not_a_regular_file_is_reported_and_never_blocks() {
    type Make = fn(&Path);
    let makes: [(&str, Make); 4] = [
        ("it is a FIFO", fifo),
        ("it is a device", |path| {
            symlink("/dev/zero", path).unwrap();
        }),
        ("it is a folder", |path| fs::create_dir(path).unwrap()),
        ("it has more than", |path| {
            fs::File::create(path).unwrap().set_len(1 << 40).unwrap();
        }),
    ];
    for (problem, make) in makes {
        let home = tempfile::tempdir().unwrap();
        make(&home.path().join("config.toml"));
        let path = home.path().to_str().unwrap();
        let mut server = Setup::default().environment("CODEX_HOME", path).start();
        let mut host = Host::initialized(&mut server).await;
        let warning = host.notification("configWarning").await;
        assert!(warning.to_string().contains(problem), "{warning}");
        host.request("account/read", json!({})).await.unwrap();
    }
}

#[tokio::test]
async fn a_trace_goes_into_our_own_regular_file_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("target"), "something").unwrap();
    symlink(path("target"), path("link")).unwrap();
    fifo(&path("fifo"));
    for (name, problem) in [("link", "it is a link"), ("fifo", "it is a FIFO")] {
        let trace = path(name).display().to_string();
        let setup = Setup::default().argument("--trace-protocol");
        let mut server = setup.argument(&trace).start();
        assert_eq!(server.exit_code().await, Some(2));
        let log = server.whole_log().await;
        assert!(log.contains(problem), "{log}");
    }
    assert_eq!(fs::read_to_string(path("target")).unwrap(), "something");

    let earlier = path("earlier");
    fs::write(&earlier, "earlier\n").unwrap();
    fs::set_permissions(&earlier, Permissions::from_mode(0o644)).unwrap();
    for trace in [&earlier, &path("new")] {
        let setup = Setup::default().argument("--trace-protocol");
        let mut server = setup.argument(trace.to_str().unwrap()).start();
        let mut host = Host::initialized(&mut server).await;
        host.close_input();
        assert_eq!(server.exit_code().await, Some(0));
        assert_eq!(fs::metadata(trace).unwrap().mode() & 0o7777, 0o600);
        assert!(fs::read_to_string(trace).unwrap().contains("initialize"));
    }
    assert!(
        fs::read_to_string(&earlier)
            .unwrap()
            .starts_with("earlier\n")
    );
}

/// Scripts of the loopback backend come from files, and from pipes such as `<(jq …)`.
#[tokio::test]
async fn a_script_is_bounded_and_a_silent_pipe_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["silent", "pipe"] {
        fifo(&path(name));
    }
    fs::File::create(path("endless"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    let home = Home::new("");
    for (name, problem) in [
        ("silent", "its other side did not finish within 2 s"),
        ("endless", "it has more than 16777216 bytes"),
        ("", "it is a folder, not a regular file"),
    ] {
        let script = path(name).display().to_string();
        let ended = run(&home, &["dev-backend", "--script", &script], &[], "").await;
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(problem), "{}", ended.stderr);
    }
    let pipe = path("pipe");
    let script = pipe.display().to_string();
    let writer = std::thread::spawn(move || fs::write(pipe, "{}").unwrap());
    let mut backend = command(&home, &["dev-backend", "--script", &script], &[])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(backend.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    let line = line.unwrap().unwrap().unwrap();
    assert!(line.contains("listening on http://127.0.0.1:"), "{line}");
    backend.kill().await.unwrap();
    writer.join().unwrap();
}
