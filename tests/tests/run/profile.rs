//! The real codex on a gateway that stays, by the profile that `byokey gateway` prints.

use byokey_dev_backend::Route;
use byokey_tests::byokey;
use byokey_tests::codex::program;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use super::codex::{PATIENCE, own_login, own_login_is_not_sent, users_files};
use super::world::{REFRESH_TOKEN, World, ended_within, outside, real_token};

const KEY: &str = "sk-made-up-key-of-byokey";

/// How the last line of the profile begins.
const LAST: &str = "auth = {";

/// Starts a gateway. Returns the profile that it prints.
async fn printed(world: &World) -> (Child, String) {
    let mut gateway = world.plain(byokey());
    gateway.args(["gateway", "--store", "file"]);
    let mut gateway = gateway.spawn().unwrap();
    let mut lines = BufReader::new(gateway.stdout.take().unwrap()).lines();
    let mut profile = String::new();
    while !profile.contains(LAST) {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        profile += &line.expect("it serves in time").unwrap().expect("a line");
        profile.push('\n');
    }
    (gateway, profile)
}

// Row: codex on the login
#[tokio::test]
async fn the_printed_profile_in_config_toml_does_not_change_byokey_run() {
    let Some(codex) = program() else { return };
    let world = World::signed_in().await;
    let file = world.codex_home().join("config.toml");
    let own = std::fs::read_to_string(&file).unwrap();
    let (mut gateway, profile) = printed(&world).await;
    // Those of an earlier run: nothing listens there any more.
    gateway.kill().await.unwrap();
    world.configure(&format!("{own}{profile}"));
    let before = own_login(&world);
    let arguments = ["codex", "exec", "--skip-git-repo-check", "say fjord"];
    for (options, words) in [
        (&[][..], "the login of ada@example.com"),
        (&["--plain"], "the login of ada@example.com"),
    ] {
        world.shared.backend.clear_requests();
        let command = world.agent(&codex, &[options, &arguments[..]].concat());
        let output = ended_within(command, PATIENCE).await;
        assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
        assert!(output.stdout.contains("say fjord"), "{output:?}");
        assert!(output.stderr.contains(words), "{}", output.stderr);
        let requests = world.shared.backend.requests_to(Route::Responses);
        assert_eq!(requests[0].bearer(), Some(real_token().as_str()));
        own_login_is_not_sent(&world);
    }
    assert_eq!(users_files(&world), before);
}

// Row: codex on the login
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test plays the user")]
async fn the_printed_profile_has_codex_ask_for_the_key() {
    let Some(codex) = program() else { return };
    for bearer in [real_token(), KEY.to_owned()] {
        let world = World::empty().await;
        if bearer == KEY {
            let key = json!({"auth_mode": "apikey", "OPENAI_API_KEY": KEY});
            world.shared.write(key.to_string().as_bytes());
        } else {
            world.shared.keep(&bearer, REFRESH_TOKEN);
        }
        let (mut gateway, profile) = printed(&world).await;
        std::fs::write(world.codex_home().join("byokey.config.toml"), profile).unwrap();
        let before = own_login(&world);
        let mut command = world.plain(&codex);
        command.args(["-p", "byokey", "exec", "--skip-git-repo-check", "say fjord"]);
        outside(&mut command, &codex);
        // Where codex finds `byokey`.
        let folder = world.home.path().join("bin");
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(byokey(), folder.join("byokey")).unwrap();
        let (folder, path) = (folder.display(), std::env::var("PATH").unwrap());
        command
            .env("PATH", format!("{folder}:{path}"))
            .env("NO_PROXY", "127.0.0.1");
        let output = ended_within(command, PATIENCE).await;
        assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
        assert!(output.stdout.contains("say fjord"), "{output:?}");
        let requests = world.shared.backend.requests_to(Route::Responses);
        assert!(!requests.is_empty());
        for request in requests {
            assert_eq!(request.bearer(), Some(bearer.as_str()));
        }
        own_login_is_not_sent(&world);
        assert_eq!(users_files(&world), before);
        gateway.kill().await.unwrap();
    }
}
