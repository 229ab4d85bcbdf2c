//! A program without a home folder: a workspace in which it is started chooses nothing and gets
//! nothing.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]
#![expect(
    clippy::disallowed_methods,
    reason = "the test plays the user of a workspace"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use byokey_tests::{Canaries, Framing, Host, PATIENCE, byokey, tools};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const KEY: &str = "sk-made-up-key";
/// The ways to have no home in the environment.
const HOMELESS: [&[(&str, &str)]; 3] = [&[], &[("HOME", "")], &[("HOME", " ")]];
/// The settings of a workspace that would keep keys in it.
const HOSTILE: &str = "model = \"of-the-workspace\"\n[byokey]\nstore = \"file\"\n";

/// A user that runs the program.
struct User {
    program: PathBuf,
    /// What starts the program as this user.
    through: Vec<String>,
    id: Option<u32>,
    _folder: Option<tempfile::TempDir>,
}

impl User {
    /// The user of the tests.
    fn own() -> Self {
        Self {
            program: byokey(),
            through: Vec::new(),
            id: None,
            _folder: None,
        }
    }

    /// One that the system does not list. Reports on the test's output if there can be none.
    fn unlisted() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: only root can start a program as an unlisted user");
            return None;
        }
        if !tools::has("setpriv") {
            return None;
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let is_listed = |id: &u32| users.contains(&format!(":{id}:"));
        let id = (54_321..).find(|id| !is_listed(id)).unwrap();
        let through = [
            "setpriv",
            "--reuid",
            "ID",
            "--regid",
            "ID",
            "--clear-groups",
        ];
        let folder = open_folder();
        let program = folder.path().join("byokey");
        fs::copy(byokey(), &program).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        Some(Self {
            program,
            through: through
                .map(|word| word.replace("ID", &id.to_string()))
                .into(),
            id: Some(id),
            _folder: Some(folder),
        })
    }

    fn command(&self, workspace: &Path, environment: &[(&str, &str)]) -> Command {
        let program = self.program.display().to_string();
        let words: Vec<_> = self.through.iter().chain([&program]).collect();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(environment.iter().copied())
            .current_dir(workspace)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Starts a server.
    async fn serve(
        &self,
        workspace: &Path,
        environment: &[(&str, &str)],
    ) -> (tokio::process::Child, Host, Value) {
        let mut command = self.command(workspace, environment);
        // A login would open a connection to the real backend.
        let quiet = ["-c", "byokey.standby_connections=false"];
        let mut child = command.arg("app-server").args(quiet).spawn().unwrap();
        let pipes = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut host = Host::over(pipes, Framing::Lines, &Canaries::default());
        let client = json!({"clientInfo": {"name": "n", "version": "1"}});
        let introduced = host.request("initialize", client).await.unwrap();
        (child, host, introduced)
    }

    /// Runs a command with this input.
    async fn run(&self, workspace: &Path, environment: &[(&str, &str)], words: &[&str]) -> Output {
        let mut child = self
            .command(workspace, environment)
            .args(words)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        drop(stdin.write_all(KEY.as_bytes()).await);
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        output.unwrap().unwrap()
    }

    /// A folder of this user.
    fn folder(&self) -> tempfile::TempDir {
        let folder = open_folder();
        if self.id.is_some() {
            chown(folder.path(), self.id, self.id).unwrap();
        }
        folder
    }

    /// A folder of this user with settings at every place at which it could be taken for a home.
    fn workspace(&self) -> tempfile::TempDir {
        let workspace = self.folder();
        for place in [".codex", ".local/share/byokey"] {
            let folder = workspace.path().join(place);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("config.toml"), HOSTILE).unwrap();
            for path in folder.ancestors().take_while(|it| *it != workspace.path()) {
                chown(path, self.id, self.id).unwrap();
            }
        }
        workspace
    }

    /// What a server reports of its protection that has no settings at all.
    async fn usual_protection(&self) -> Value {
        let home = self.folder();
        let environment = [("HOME", home.path().to_str().unwrap())];
        let (_child, _host, mut introduced) = self.serve(home.path(), &environment).await;
        let protection = introduced["hardening"].take();
        if protection["filesReadOnly"] == false {
            println!("SKIPPED: this kernel has no lock on files (Landlock)");
        }
        protection
    }

    /// Without a home, the workspace chooses no model, opens no lock and gets no key.
    async fn a_workspace_is_no_home(&self) {
        let usual = self.usual_protection().await;
        for environment in HOMELESS {
            let workspace = self.workspace();
            let before = files(workspace.path());
            let (_child, mut host, introduced) = self.serve(workspace.path(), environment).await;
            assert_eq!(introduced["hardening"], usual, "{environment:?}");
            let settings = host.request("config/read", json!({})).await.unwrap();
            assert_ne!(settings["config"]["model"], "of-the-workspace");
            let key = json!({"type": "apiKey", "apiKey": KEY});
            host.request("account/login/start", key).await.unwrap();
            assert_eq!(files(workspace.path()), before, "{environment:?}");
        }
    }
}

fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Returns the files below a folder, with their content.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let content = fs::read(&path).unwrap();
            found.push((path, content));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_workspace_opens_no_lock_and_gets_no_key() {
    let listed = rustix::process::geteuid().as_raw();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let fields = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let mut ours = fields.filter(|it| it.get(2) == Some(&&*listed.to_string()));
    let home = ours
        .next()
        .and_then(|it| it.get(5).map(|it| (*it).to_owned()));
    let has_settings = |place: &str| {
        let home = home.as_deref().map(Path::new);
        home.is_some_and(|home| home.join(place).exists())
    };
    if has_settings(".codex/config.toml") || has_settings(".local/share/byokey/config.toml") {
        println!("SKIPPED: this user has settings of its own, which count here");
        return;
    }
    User::own().a_workspace_is_no_home().await;
}

#[tokio::test]
async fn nor_does_it_for_a_user_that_the_system_does_not_list() {
    if let Some(user) = User::unlisted() {
        user.a_workspace_is_no_home().await;
    }
}

#[tokio::test]
async fn a_user_that_the_system_does_not_list_has_no_store_without_a_home() {
    let Some(user) = User::unlisted() else {
        return;
    };
    for environment in HOMELESS {
        let workspace = user.workspace();
        let before = files(workspace.path());
        let login = ["login", "--with-api-key", "--store", "file"];
        let ended = user.run(workspace.path(), environment, &login).await;
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success(), "{said}");
        assert!(said.contains("BYOKEY_HOME"), "{said}");
        assert!(!said.contains(KEY), "{said}");
        assert_eq!(files(workspace.path()), before, "{environment:?}");
    }
}

/// Our own folder counts whether there is a home or not, and codex's too.
#[tokio::test]
async fn a_folder_that_is_named_counts_without_a_home() {
    for user in [Some(User::own()), User::unlisted()].into_iter().flatten() {
        for environment in HOMELESS {
            let (workspace, ours, codexs) = (user.workspace(), user.folder(), user.folder());
            let before = files(workspace.path());
            let settings = ours.path().join("config.toml");
            fs::write(&settings, "[byokey]\nstore = \"file\"\n").unwrap();
            let settings = codexs.path().join("config.toml");
            fs::write(&settings, "model = \"of-the-user\"\n").unwrap();
            let mut named = environment.to_vec();
            named.push(("BYOKEY_HOME", ours.path().to_str().unwrap()));
            named.push(("CODEX_HOME", codexs.path().to_str().unwrap()));
            let login = ["login", "--with-api-key"];
            let ended = user.run(workspace.path(), &named, &login).await;
            assert!(ended.status.success(), "{ended:?}");
            let stored = fs::read_to_string(ours.path().join("auth.json")).unwrap();
            assert!(stored.contains(KEY));
            let (_child, mut host, introduced) = user.serve(workspace.path(), &named).await;
            let folder = introduced["codexHome"].as_str().unwrap();
            assert_eq!(Path::new(folder), codexs.path());
            let read = host.request("account/read", json!({})).await.unwrap();
            assert_eq!(read["account"], json!({"type": "apiKey"}));
            let read = host.request("config/read", json!({})).await.unwrap();
            assert_eq!(read["config"]["model"], "of-the-user");
            assert_eq!(files(workspace.path()), before, "{environment:?}");
        }
    }
}
