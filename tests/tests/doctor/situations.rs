//! What may be wrong with folders, configuration, login, stores and servers.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixListener;

use std::process::Command;

use byokey_tests::command::{Ended, run};
use byokey_tests::{Home, Listening, Setup, byokey, tools};

use super::{Person, Report, key, login, token};

/// The year 2100, in Unix seconds.
const LATER: u64 = 4_102_444_800;
/// An unprivileged user.
const OTHER_USER: u32 = 65534;

const FILE: &[&str] = &["--store", "file"];

/// Stores a login in the file.
pub(super) fn login_of_ada(person: &Person) {
    person.write(
        "auth.json",
        &login(&token(LATER), "rt-made-up-of-ada", 2026),
    );
}

#[tokio::test]
async fn nothing_is_wrong_with_an_ordinary_login() {
    let person = Person::new("model = 'gpt-5'\napproval_policy = 'never'");
    login_of_ada(&person);
    let report = person.doctor(FILE, &[]).await;
    assert_eq!(report.ended.code, Some(0), "{}", report.json);
    let expected = "signed in with ChatGPT, plan pro, workspace acco…, store file; the token's expiry is 2100-01-01 00:00 UTC (in ";
    report.has("login.selected", "ok", expected, "");
    report.has("configuration.file", "ok", ".codex/config.toml is read", "");
    report.has("configuration.codex", "ok", ": approval_policy", "");
    report.has("network.roots", "ok", "those of the system", "");
}

#[tokio::test]
async fn an_expired_login_is_named_with_the_command_that_replaces_it() {
    let person = Person::new("");
    person.write("auth.json", &login(&token(1), "", 2026));
    let report = person.doctor(FILE, &[]).await;
    let mend = "byokey login --store file";
    report.has("login.selected", "failure", "the login has expired", mend);
}

#[tokio::test]
async fn a_token_command_is_looked_for_and_not_run() {
    let settings = |command: &str| {
        format!(
            "model_provider = 'mine'\n[model_providers.mine]\nname = 'Mine'\n\
             base_url = 'https://models.example/v1'\nauth = {{ command = '{command}', \
             args = ['--key', 'made-up-argument'] }}"
        )
    };
    let path = [("PATH", "/usr/bin:/bin")];
    for (command, level, text) in [
        ("touch", "ok", "the command `touch`, which is there"),
        (
            "made-up-program",
            "failure",
            "`made-up-program`, which is not there",
        ),
        (
            "/etc/passwd",
            "failure",
            "`passwd`, which may not be executed",
        ),
    ] {
        let person = Person::new(&settings(command));
        let report = person.doctor(&[], &path).await;
        report.has("login.command", level, text, "");
        report.has("login.provider", "ok", "`mine` with its own key", "");
        assert!(!report.json.to_string().contains("made-up-argument"));
    }
}

#[tokio::test]
async fn a_broken_configuration_is_named_with_its_place_and_opened() {
    let person = Person::new("model = \"a\"\nmodel_provider = ");
    let report = person.doctor(&[], &[]).await;
    report.has("configuration.file", "failure", "cannot be used", "");
    let mend = "\"${EDITOR:-vi}\" ~/.codex/config.toml";
    report.has("configuration.setting", "failure", "config.toml:2:", mend);
    report.has("login.selected", "failure", "config.toml:2:", "");
    // The line of the setting has the command.
    assert_eq!(report.lines("login.selected")[0].2, "");
}

#[tokio::test]
async fn an_unset_variable_of_the_key_is_named() {
    let person = Person::new(
        "model_provider = 'mine'\n[model_providers.mine]\nbase_url = 'https://a.example'\nenv_key = 'MY_KEY'",
    );
    let report = person.doctor(&[], &[]).await;
    report.has(
        "configuration.key",
        "failure",
        "MY_KEY, which is not set",
        "export MY_KEY=",
    );
    let key = key("my-key");
    let report = person.doctor(&[], &[("MY_KEY", &key)]).await;
    assert!(report.lines("configuration.key").is_empty());
    report.has(
        "login.provider",
        "ok",
        "provider `mine` with its own key",
        "",
    );
}

#[tokio::test]
async fn an_openai_key_that_the_provider_reads_is_not_called_unread() {
    let key = key("openai-key");
    let environment = [("OPENAI_API_KEY", &*key)];
    for (setting, lines) in [
        ("env_key = 'OPENAI_API_KEY'", 0),
        ("env_http_headers = { X-Key = 'OPENAI_API_KEY' }", 0),
        ("env_http_headers = { X-Key = 'OTHER' }", 1),
    ] {
        let person = Person::new(&format!(
            "model_provider = 'mine'\n[model_providers.mine]\n\
             base_url = 'https://a.example'\n{setting}"
        ));
        let report = person.doctor(&[], &environment).await;
        assert_eq!(report.lines("login.openaiKey").len(), lines, "{setting}");
    }
}

#[tokio::test]
async fn a_login_that_the_policy_refuses_is_a_failure() {
    let person = Person::new("forced_login_method = 'api'");
    let token = format!("at-{}", key("access-token"));
    let environment = [("CODEX_ACCESS_TOKEN", &*token)];
    let report = person.doctor(FILE, &environment).await;
    let text = "CODEX_ACCESS_TOKEN cannot be used: ";
    let mend = "unset CODEX_ACCESS_TOKEN";
    report.has("login.selected", "failure", text, mend);
    let status = run(&person.home, &["status"], &environment, "").await;
    assert_eq!(status.code, Some(2), "{status:?}");

    login_of_ada(&person);
    let report = person.doctor(FILE, &[]).await;
    let mend = "byokey logout --store file && byokey login --store file";
    report.has("login.selected", "failure", "the stored login", mend);
}

#[tokio::test]
async fn settings_of_ours_that_are_misspelt_or_overruled_have_a_line() {
    let person = Person::new("");
    person.write("config.toml", "[byokey]\nstroe = 'file'\nstore = 'file'");
    let report = person.doctor(&[], &[]).await;
    report.has("configuration.own", "warning", ": byokey.stroe", "");
    let report = person.doctor(&["--store", "ephemeral"], &[]).await;
    report.has("configuration.own", "warning", ": byokey", "");
}

#[tokio::test]
async fn a_login_in_a_folder_that_is_not_used_is_found() {
    let person = Person::new("");
    login_of_ada(&person);
    let other = person.path().join("other");
    let report = person
        .doctor(&[], &[("BYOKEY_HOME", other.to_str().unwrap())])
        .await;
    let mend = "BYOKEY_HOME=~/.local/share/byokey byokey status";
    report.has(
        "folders.otherLogin",
        "warning",
        "there is also a login in ~/.local",
        mend,
    );
    let codex = person.home.codex_home();
    let report = person
        .doctor(&[], &[("BYOKEY_HOME", codex.to_str().unwrap())])
        .await;
    report.has(
        "folders.used",
        "warning",
        "BYOKEY_HOME is codex's folder",
        "unset BYOKEY_HOME",
    );
}

#[tokio::test]
async fn a_store_that_is_not_chosen_and_codexs_login_are_found() {
    let person = Person::new("");
    login_of_ada(&person);
    let of_codex = person.home.codex_home().join("auth.json");
    std::fs::write(
        of_codex,
        login(&token(LATER - 1), "rt-made-up-of-codex", 2026),
    )
    .unwrap();
    let report = person.doctor(&[], &[]).await;
    report.has(
        "store.file",
        "warning",
        "a ChatGPT login, which is not used",
        "export BYOKEY_STORE=file",
    );
    report.has("store.codex", "ok", "byokey import-codex --store file", "");
    report.has("login.selected", "ok", "no store is chosen", "");
}

#[tokio::test]
async fn a_blank_home_is_named() {
    let person = Person::new("");
    let (codex, own) = (person.home.codex_home(), person.folder());
    let environment = [
        ("HOME", " "),
        ("CODEX_HOME", codex.to_str().unwrap()),
        ("BYOKEY_HOME", own.to_str().unwrap()),
    ];
    let report = person.doctor(&[], &environment).await;
    let (level, text, mend) = report.lines("folders.home")[0];
    assert_ne!(level, "ok");
    assert!(text.contains("HOME is not set"), "{text}");
    assert!(mend.starts_with("export "), "{mend}");
}

#[tokio::test]
async fn workload_identity_is_named_with_the_command_that_leaves_it() {
    let person = Person::new("");
    let rule = "rule-made-up-of-the-doctor";
    let environment = [("OPENAI_FEDERATION_RULE_ID", rule)];
    let report = person.doctor(&[], &environment).await;
    report.has(
        "configuration.notice",
        "warning",
        "Workload identity is not supported. OPENAI_FEDERATION_RULE_ID is set",
        "unset OPENAI_FEDERATION_RULE_ID",
    );
    assert!(!report.ended.stdout.contains(rule), "{}", report.json);
    assert!(
        person
            .doctor(&[], &[])
            .await
            .lines("configuration.notice")
            .is_empty()
    );
}

#[tokio::test]
async fn a_folder_that_is_named_and_does_not_exist_is_a_failure() {
    let person = Person::new("");
    let report = person
        .doctor(&[], &[("CODEX_HOME", "/nonexistent/codex")])
        .await;
    report.has(
        "folders.named",
        "failure",
        "that path does not exist",
        "unset CODEX_HOME",
    );
}

#[tokio::test]
async fn a_file_of_another_user_is_named_with_the_command_that_takes_it_over() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: only root can make a file of another user");
        return;
    }
    let person = Person::new("");
    let file = person.write(
        "auth.json",
        &login(&token(LATER), "rt-made-up-of-ada", 2026),
    );
    chown(&file, Some(OTHER_USER), None).unwrap();
    let report = person.doctor(FILE, &[]).await;
    let mend = "sudo chown \"$(id -u)\" ~/.local/share/byokey/auth.json";
    report.has("store.file", "failure", "it belongs to another user", mend);
    report.has(
        "login.selected",
        "failure",
        "it belongs to another user",
        "byokey status --store file",
    );
}

#[tokio::test]
async fn a_link_that_cannot_be_renewed_is_named_with_the_command_that_replaces_it() {
    let person = Person::new("");
    let target = person.write("mounted", &login(&token(LATER), "rt-made-up-of-ada", 2026));
    symlink(target, person.folder().join("auth.json")).unwrap();
    let report = person.doctor(FILE, &[]).await;
    let mend = "cp ~/.local/share/byokey/auth.json ";
    report.has("store.warning", "warning", "cannot be renewed", mend);
}

#[tokio::test]
async fn a_file_that_is_no_login_is_named_with_the_command_that_moves_it_away() {
    let person = Person::new("");
    person.write("auth.json", "{ broken");
    let report = person.doctor(FILE, &[]).await;
    let mend = "mv ~/.local/share/byokey/auth.json ~/.local/share/byokey/auth.json.old";
    report.has("store.file", "failure", "readable login", mend);
}

#[tokio::test]
async fn a_token_of_the_future_shows_a_wrong_clock() {
    let person = Person::new("");
    person.write(
        "auth.json",
        &login(&token(LATER), "rt-made-up-of-ada", 2099),
    );
    let report = person.doctor(FILE, &[]).await;
    report.has("clock.token", "failure", "was issued in ", "timedatectl");
}

#[tokio::test]
async fn a_keyring_that_is_silent_is_not_waited_for() {
    let person = Person::new("");
    let bus = person.path().join("bus");
    let _silent = UnixListener::bind(&bus).unwrap();
    let bus = format!("unix:path={}", bus.display());
    let environment = [("DBUS_SESSION_BUS_ADDRESS", bus.as_str())];
    let report = person.doctor(&["--store", "keyring"], &environment).await;
    report.has(
        "login.selected",
        "warning",
        "did not answer within the 4 s that this command waits",
        "byokey status --store keyring",
    );
}

#[tokio::test]
async fn what_is_at_the_place_of_the_socket_is_named() {
    let person = Person::new("");
    let run = person.folder().join("run");
    std::fs::create_dir_all(&run).unwrap();
    std::fs::set_permissions(&run, Permissions::from_mode(0o755)).unwrap();
    let report = person.doctor(&[], &[]).await;
    report.has(
        "server.socket",
        "warning",
        "is open to others",
        "chmod 700 ~/.local/share/byokey/run",
    );
    std::fs::set_permissions(&run, Permissions::from_mode(0o700)).unwrap();
    let socket = run.join("app-server.sock");
    std::fs::write(&socket, "").unwrap();
    let report = person.doctor(&[], &[]).await;
    report.has(
        "server.socket",
        "warning",
        "not a socket",
        "--listen unix://",
    );
    std::fs::remove_file(&socket).unwrap();
    drop(UnixListener::bind(&socket).unwrap());
    let report = person.doctor(&[], &[]).await;
    report.has("server.socket", "ok", "the next one replaces it", "");
}

/// Runs it in a shell, after these commands, with a wrapper around the shell.
fn doctor_after(person: &Person, wrapper: &[&str], commands: &str) -> Report {
    let script = format!("{commands} && exec \"$0\" doctor --json");
    let words = [wrapper, &["/bin/sh", "-c", &script]].concat();
    let output = Command::new(words[0])
        .args(&words[1..])
        .arg(byokey())
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", person.path())
        .output()
        .unwrap();
    Report::of(Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    })
}

#[test]
fn memory_that_cannot_be_locked_is_a_warning() {
    if !tools::has("setpriv") {
        return;
    }
    let without_privilege = [
        "setpriv",
        "--bounding-set=-ipc_lock",
        "--inh-caps=-ipc_lock",
    ];
    let is_root = rustix::process::geteuid().is_root();
    let wrapper = if is_root { &without_privilege[..] } else { &[] };
    let report = doctor_after(&Person::new(""), wrapper, "ulimit -l 0");
    let mend = "ulimit -l unlimited";
    report.has("process.memory", "warning", "does not lock memory", mend);
}

#[test]
fn a_machine_without_certificate_authorities_is_a_failure() {
    if !tools::has_mount_namespaces() {
        return;
    }
    let person = Person::new("");
    let empty = person.path().join("no-certificates");
    std::fs::create_dir(&empty).unwrap();
    let mount = format!("mount --bind '{}' /etc/ssl/certs", empty.display());
    // In a mount namespace of its own: other processes are not affected.
    let wrapper = ["unshare", "--map-root-user", "--mount"];
    let report = doctor_after(&person, &wrapper, &mount);
    let text = "no certificate authorities were found";
    report.has("network.roots", "failure", text, "install ca-certificates");
}

#[tokio::test]
async fn a_server_that_runs_is_found() {
    let home = Home::new("");
    let folder = home.path().join("byokey");
    let folder = folder.to_str().unwrap();
    let setup = Setup::default().environment("BYOKEY_HOME", folder);
    let listening = Listening::start(setup, "unix://").await;
    let person = Person { home };
    let report = person.doctor(&[], &[("BYOKEY_HOME", folder)]).await;
    report.has(
        "server.socket",
        "ok",
        "a server listens on ~/byokey/run/app-server.sock",
        "",
    );
    if cfg!(target_os = "linux") {
        report.has("server.others", "ok", "other `byokey app-server` run", "");
    }
    drop(listening);
}
