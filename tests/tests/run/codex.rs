//! The real codex, by `byokey run codex exec`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use byokey_dev_backend::Route;
use byokey_tests::Home;
use byokey_tests::codex::program;
use byokey_tests::command;
use byokey_tests::issuer::{Ask, access_token};
use serde_json::json;
use tokio::process::Command;

use super::canary::runs;
use super::world::{Output, World, ended_within, outside, real_token};

/// How long codex may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// The arguments of a turn.
const EXEC: [&str; 3] = ["codex", "exec", "--skip-git-repo-check"];

fn exec(world: &World, codex: &Path, prompt: &str) -> Command {
    world.agent(codex, &[&EXEC[..], &[prompt]].concat())
}

/// No request bears the login that codex has of its own. There are some.
pub(crate) fn own_login_is_not_sent(world: &World) {
    let requests = world.shared.backend.requests();
    assert!(!requests.is_empty());
    for request in requests {
        let own = access_token(77);
        assert_ne!(request.bearer(), Some(own.as_str()), "{}", request.path);
    }
}

async fn done(command: Command) -> Output {
    ended_within(command, PATIENCE).await
}

/// Stores another login where codex has its own. Returns all files of codex's home that are the user's.
#[expect(clippy::disallowed_methods, reason = "the test plays the user")]
pub(crate) fn own_login(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut content = byokey_tests::shared_store::SharedStore::content("rt-made-up-of-codex");
    content["tokens"]["access_token"] = access_token(77).into();
    std::fs::write(world.codex_home().join("auth.json"), content.to_string()).unwrap();
    users_files(world)
}

/// Returns the files of the user in codex's home.
pub(crate) fn users_files(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let names = ["auth.json", "config.toml"].map(|name| world.codex_home().join(name));
    let read = |path: PathBuf| Some((path.clone(), std::fs::read(path).ok()?));
    names.into_iter().filter_map(read).collect()
}

/// Returns the bearers of the model requests that the backend got.
fn bearers(world: &World) -> Vec<String> {
    let requests = world.shared.backend.requests_to(Route::Responses);
    let bearers = requests.iter().map(|it| it.bearer().unwrap().to_owned());
    bearers.collect()
}

// Row: codex on the login
#[tokio::test]
async fn codex_has_an_answer_and_its_own_login_is_as_it_was() {
    let Some(codex) = program() else { return };
    let world = World::signed_in().await;
    let before = own_login(&world);
    let output = done(exec(&world, &codex, "say fjord")).await;
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("say fjord"), "{output:?}");
    assert_eq!(bearers(&world), [real_token()]);
    assert_eq!(users_files(&world), before);
    assert!(
        output
            .stderr
            .starts_with("byokey: codex runs on the login of ada@example.com")
    );
    let known = [real_token(), access_token(77)];
    for request in world.shared.backend.requests() {
        let bearer = request.bearer().unwrap_or_default();
        assert_eq!(bearer, known[0], "{}", request.path);
    }
}

// Row: codex on the login
#[tokio::test]
async fn a_401_is_recovered_behind_codexs_back() {
    let Some(codex) = program() else { return };
    let world = World::signed_in().await;
    world.shared.backend.reject_bearer(real_token());
    let output = done(exec(&world, &codex, "say fjord")).await;
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("say fjord"), "{output:?}");
    assert_eq!(world.shared.issuer.asked(Ask::Refresh).len(), 1);
    assert_eq!(bearers(&world).last(), Some(&access_token(1)));
    assert!(!output.stderr.contains("401"), "{}", output.stderr);
}

// Row: codex on the login
#[tokio::test]
async fn a_401_in_the_middle_of_a_turn_is_recovered_behind_codexs_back() {
    let Some(codex) = program() else { return };
    let world = World::signed_in().await;
    // The model has codex run a command, and refuses what codex sends of that.
    let steps = [runs("echo made-up-output"), json!([{"status": 401}])];
    let steps: Vec<_> = steps.iter().flat_map(|it| it.as_array().unwrap()).collect();
    let script = byokey_tests::turns::script("responses", &json!(steps));
    world.shared.backend.set_script(script);
    let output = done(exec(&world, &codex, "say fjord")).await;
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    assert_eq!(world.shared.issuer.asked(Ask::Refresh).len(), 1);
    assert_eq!(
        bearers(&world),
        [real_token(), real_token(), access_token(1)]
    );
    assert!(!output.stderr.contains("401"), "{}", output.stderr);
    let requests = world.shared.backend.requests_to(Route::Responses);
    assert_eq!(requests[1].body, requests[2].body, "it is sent again");
    let sent = String::from_utf8_lossy(&requests[2].body).into_owned();
    assert!(sent.contains("made-up-output"), "{sent}");
}

// Row: codex on the login
#[tokio::test]
async fn a_sign_out_in_the_middle_of_an_answer_ends_codex_with_words() {
    let Some(codex) = program() else { return };
    let world = World::signed_in().await;
    let script = json!([{"endless": "deltas", "repeat": 0}]);
    let script = byokey_tests::turns::script("responses", &script);
    world.shared.backend.set_script(script);
    let running = done(exec(&world, &codex, "say fjord"));
    let signed_out = async {
        while world.shared.backend.count(Route::Responses) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        log_out(&world).await;
    };
    let (output, ()) = tokio::join!(running, signed_out);
    assert_ne!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.contains("byokey login"), "{}", output.stderr);
}

async fn log_out(world: &World) {
    let (home, folder) = (Home::new(""), world.shared.folder.path().to_str().unwrap());
    let issuer = world.shared.issuer.url();
    let environment = [
        ("BYOKEY_HOME", folder),
        ("CODEX_APP_SERVER_LOGIN_ISSUER", issuer.as_str()),
    ];
    let logout = ["logout", "--store", "file"];
    let ended = command::run(&home, &logout, &environment, "").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

// Row: codex on the login
#[tokio::test]
async fn a_sign_out_in_the_middle_ends_codex_with_words() {
    let Some(codex) = program() else { return };
    let world = World::signed_in().await;
    let gate = world.shared.backend.hold(Route::Responses);
    let running = done(exec(&world, &codex, "say fjord"));
    let signed_out = async {
        while gate.arrived() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        log_out(&world).await;
    };
    let (output, ()) = tokio::join!(running, signed_out);
    gate.release();
    assert_ne!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.contains("byokey login"), "{}", output.stderr);
}

// Row: codex on the login
#[tokio::test]
async fn an_api_key_is_used_without_codex_having_it() {
    let Some(codex) = program() else { return };
    let world = World::empty().await;
    let key = json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-made-up-key-of-byokey"});
    world.shared.write(key.to_string().as_bytes());
    let before = own_login(&world);
    let output = done(exec(&world, &codex, "say fjord")).await;
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("say fjord"), "{output:?}");
    assert_eq!(bearers(&world), ["sk-made-up-key-of-byokey"]);
    own_login_is_not_sent(&world);
    assert_eq!(users_files(&world), before);
    assert!(
        output.stderr.contains("codex runs on an API key"),
        "{}",
        output.stderr
    );
}

// Row: codex on the login
#[tokio::test]
async fn plain_model_calls_need_no_account() {
    let Some(codex) = program() else { return };
    let world = World::signed_in().await;
    let before = own_login(&world);
    let arguments = [&["--plain"], &EXEC[..], &["say fjord"]].concat();
    let output = done(world.agent(&codex, &arguments)).await;
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("say fjord"), "{output:?}");
    let backend = &world.shared.backend;
    // The gateway may look up by itself where model calls go.
    let calls = backend.count(Route::Responses) + backend.count(Route::AccountsCheck);
    assert_eq!(backend.requests().len(), calls);
    own_login_is_not_sent(&world);
    assert_eq!(users_files(&world), before);
}

// Row: codex on the login
#[tokio::test]
async fn variables_that_codex_would_prefer_do_not_mix_the_accounts() {
    let Some(codex) = program() else { return };
    let world = World::signed_in().await;
    let mut command = exec(&world, &codex, "say fjord");
    command
        .env("CODEX_API_KEY", "sk-made-up-of-the-user")
        .env("OPENAI_API_KEY", "sk-made-up-of-the-user");
    let output = done(command).await;
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    assert_eq!(bearers(&world), [real_token()]);
}

// Row: codex on the login
#[tokio::test]
#[expect(clippy::print_stdout, reason = "skipped steps are reported")]
async fn the_sandbox_of_codex_works_as_it_does_without() {
    let Some(codex) = program() else { return };
    let world = World::signed_in().await;
    for script in [
        "echo inside; grep NoNewPrivs /proc/self/status",
        "touch /etc/made-up-by-a-test",
        "touch made-in-the-folder",
        "exec 3<>/dev/tcp/127.0.0.1/9",
    ] {
        let arguments = ["sandbox", "bash", "-c", script];
        let mut plain = world.plain(&codex);
        plain.args(arguments);
        outside(&mut plain, &codex);
        let plain = done(plain).await;
        if script.starts_with("echo inside") && !plain.stdout.contains("inside") {
            // All scripts may fail alike then, so nothing is shown.
            let why = plain.stderr.trim();
            println!(
                "SKIPPED: the sandbox of codex does not work here without `byokey run`: {why}"
            );
        }
        let run = done(world.agent(&codex, &[&["codex"], &arguments[..]].concat())).await;
        assert_eq!(
            run.status.code(),
            plain.status.code(),
            "{script}: {run:?} {plain:?}"
        );
        assert_eq!(run.stdout, plain.stdout, "{script}");
    }
}
