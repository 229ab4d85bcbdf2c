//! The place of the configuration: never in the working directory, and never another one silently.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::path::Path;
use std::process::Stdio;

use byokey_tests::command::run;
use byokey_tests::{Canaries, Framing, Home, Host, PATIENCE, byokey};
use serde_json::json;
use tokio::process::Command;

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    std::fs::write(path, text).unwrap();
}

/// Returns the program in a folder with a `.codex` that would redirect everything, with this
/// environment.
fn in_workspace(workspace: &Path, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(byokey());
    command
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(workspace)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn hostile_workspace() -> tempfile::TempDir {
    let workspace = tempfile::tempdir().unwrap();
    let hostile = "model = \"of-the-workspace\"\n[byokey]\nstore = \"file\"\n";
    write(&workspace.path().join(".codex/config.toml"), hostile);
    write(
        &workspace.path().join(".local/share/byokey/config.toml"),
        hostile,
    );
    workspace
}

#[tokio::test]
async fn without_a_home_the_working_directory_is_no_home() {
    let empty = tempfile::tempdir().unwrap();
    let codex_home = empty.path().to_str().unwrap();
    let environments: [&[(&str, &str)]; 4] = [
        &[],
        &[("HOME", "")],
        &[("HOME", " ")],
        &[("HOME", ""), ("CODEX_HOME", codex_home)],
    ];
    for environment in environments {
        let workspace = hostile_workspace();
        let mut command = in_workspace(workspace.path(), environment);
        let mut child = command.arg("app-server").spawn().unwrap();
        let pipes = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut host = Host::over(pipes, Framing::Lines, &Canaries::default());
        let client = json!({"clientInfo": {"name": "n", "version": "1"}});
        let introduced = host.request("initialize", client).await.unwrap();
        let folder = introduced["codexHome"].as_str().unwrap_or_default();
        assert!(!folder.starts_with('.'), "{environment:?}: {folder}");
        assert!(!Path::new(folder).starts_with(workspace.path()), "{folder}");
        let settings = host.request("config/read", json!({})).await.unwrap();
        assert_ne!(
            settings["config"]["model"], "of-the-workspace",
            "{environment:?}"
        );
    }
}

/// Returns the home folder of this user in the system's list of users.
fn home_of_the_system() -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let user = rustix::process::geteuid().as_raw().to_string();
    let fields = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let mut ours = fields.filter(|fields| fields.get(2) == Some(&user.as_str()));
    let home = ours.next()?.get(5)?.to_string();
    home.starts_with('/').then_some(home)
}

#[tokio::test]
async fn without_a_home_the_systems_entry_for_the_user_counts() {
    let Some(home) = home_of_the_system() else {
        println!("SKIPPED: this user has no entry in /etc/passwd");
        return;
    };
    let environments: [&[(&str, &str)]; 3] = [&[], &[("HOME", "")], &[("HOME", " ")]];
    for environment in environments {
        let workspace = hostile_workspace();
        let mut command = in_workspace(workspace.path(), environment);
        let mut child = command.arg("app-server").spawn().unwrap();
        let pipes = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut host = Host::over(pipes, Framing::Lines, &Canaries::default());
        let client = json!({"clientInfo": {"name": "n", "version": "1"}});
        let introduced = host.request("initialize", client).await.unwrap();
        let folder = introduced["codexHome"].as_str().unwrap_or_default();
        let expected = Path::new(&home).join(".codex");
        assert_eq!(Path::new(folder), expected, "{environment:?}");
    }
}

#[tokio::test]
async fn a_store_in_the_working_directory_is_not_read() {
    let workspace = hostile_workspace();
    // Reading it would be an error.
    let planted = workspace.path().join(".local/share/byokey/auth.json");
    write(&planted, "not a login");
    let mut command = in_workspace(workspace.path(), &[("HOME", "")]);
    command.args(["status", "--store", "file"]);
    let output = command.output();
    let output = tokio::time::timeout(PATIENCE, output).await.unwrap();
    // Signed in or out, the store is readable; the planted one is not.
    let output = output.unwrap();
    assert_ne!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test]
async fn a_folder_that_is_named_and_not_there_ends_the_program_as_it_ends_codex() {
    let home = Home::new("");
    let file = home.path().join("a-file");
    write(&file, "");
    let file = file.to_str().unwrap();
    let relative: &[(&str, &str)] = &[("HOME", "here")];
    let cases: [(&[(&str, &str)], &str); 5] = [
        (
            &[("CODEX_HOME", "/nonexistent/x")],
            "CODEX_HOME points to \"/nonexistent/x\", but that path does not exist",
        ),
        (
            &[("CODEX_HOME", "~/x")],
            "CODEX_HOME points to \"~/x\", but that path does not exist",
        ),
        (&[("CODEX_HOME", file)], "but that path is not a directory"),
        (&[("BYOKEY_HOME", "~/x")], "BYOKEY_HOME begins with `~`"),
        (relative, "HOME is not an absolute path"),
    ];
    for (environment, words) in cases {
        for command in ["app-server", "status", "login", "logout", "import-codex"] {
            let ended = run(&home, &[command], environment, "").await;
            assert_eq!(ended.code, Some(2), "{command} {environment:?}");
            assert!(ended.stderr.contains(words), "{command}: {}", ended.stderr);
        }
    }
}

#[tokio::test]
async fn commands_meet_a_broken_file_alike() {
    let home = Home::new("a = 1\na = 2\n");
    let words = "failed to load configuration: ";
    for arguments in [
        ["status", "--store=file"].as_slice(),
        &["login", "--with-api-key", "--store=file"],
        &["login", "--device-auth", "--store=file"],
        &["import-codex", "--store=file"],
        &["logout"],
    ] {
        let ended = run(&home, arguments, &[], "sk-made-up").await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(words),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains("config.toml:2:1: duplicate key"),
            "{}",
            ended.stderr
        );
    }
    // If the store is known, a login can always be removed.
    let ended = run(&home, &["logout", "--store=file"], &[], "").await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
