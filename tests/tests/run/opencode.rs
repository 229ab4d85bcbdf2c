//! The real opencode, where `tests/codex/opencode.sh` installed it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use byokey_dev_backend::Route;

use super::world::{World, ended_within, real_token};

#[expect(clippy::print_stdout, reason = "skipped steps are reported")]
fn program() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = installed.join("../.cache/opencode/node_modules/.bin/opencode");
    let program = std::env::var_os("OPENCODE_BIN").map_or(installed, PathBuf::from);
    if program.exists() {
        return Some(program);
    }
    println!("SKIPPED: opencode is not installed; tests/codex/opencode.sh installs it");
    None
}

// Row: other programs on the login
#[tokio::test]
async fn opencode_has_an_answer() {
    let Some(opencode) = program() else { return };
    let world = World::signed_in().await;
    let command = world.agent(&opencode, &["opencode", "run", "say fjord"]);
    let output = ended_within(command, Duration::from_secs(180)).await;
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("say fjord"), "{output:?}");
    let requests = world.shared.backend.requests_to(Route::Responses);
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!(request.bearer(), Some(real_token().as_str()));
    }
}
