//! The program under test.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Returns the program's path: `BYOKEY_BIN`, or built once in the profile of the tests.
///
/// # Panics
///
/// When it does not build.
pub fn byokey() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let profile = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    let given = || std::env::var_os("BYOKEY_BIN").map(PathBuf::from);
    BUILT
        .get_or_init(|| given().unwrap_or_else(|| build(profile)))
        .clone()
}

/// Returns the path of the shipped program: `BYOKEY_RELEASE_BIN`, or built once. For a quicker,
/// nearly identical build, see the profile `no-trace`.
///
/// # Panics
///
/// When it does not build.
pub fn byokey_optimised() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let given = || std::env::var_os("BYOKEY_RELEASE_BIN").map(PathBuf::from);
    BUILT
        .get_or_init(|| given().unwrap_or_else(|| build("release")))
        .clone()
}

/// Returns the program whose memory is measured: the shipped one where `BYOKEY_RELEASE_BIN` names
/// it, as in the gate, else [`byokey`], whose code takes more.
#[must_use]
pub fn byokey_measured() -> PathBuf {
    std::env::var_os("BYOKEY_RELEASE_BIN").map_or_else(byokey, PathBuf::from)
}

/// Returns cargo without the variables that it sets for tests. Build scripts watch those, so that
/// their packages would be rebuilt.
#[must_use]
pub fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    cargo
}

fn build(profile: &str) -> PathBuf {
    let built = cargo()
        .args([
            "build",
            "--quiet",
            "--package",
            "byokey-app-server",
            "--bin",
            "byokey",
        ])
        .args(["--profile", profile])
        .status()
        .expect("cargo runs");
    assert!(built.success(), "byokey does not build");
    // <target>/<profile>/deps/<this test>
    let mut path = std::env::current_exe().expect("this test has a path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let folder = if profile == "dev" { "debug" } else { profile };
    path.with_file_name(folder).join("byokey")
}
