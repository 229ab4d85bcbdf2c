//! The program under test.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Path of the program: `BYOKEY_BIN`, or built once in the profile of the tests.
///
/// # Panics
///
/// When it does not build.
pub fn byokey() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| std::env::var_os("BYOKEY_BIN").map_or_else(build, PathBuf::from))
        .clone()
}

fn build() -> PathBuf {
    let profile = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    let built = Command::new(env!("CARGO"))
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
    path.join("byokey")
}
