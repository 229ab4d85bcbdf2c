//! External programs and libraries of the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A library that a setup script installs.
#[derive(Debug)]
pub struct Library {
    /// Our driver of the library.
    pub source: PathBuf,
    /// Where it is installed.
    pub installed: PathBuf,
}

/// Returns a library under `tests/<kind>/`, if the setup script there has installed it. Reports a
/// missing one on the test's output, because something is not tested then.
#[must_use]
pub fn library(kind: &str, name: &str) -> Option<Library> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let source = root.join("tests").join(kind).join(name);
    let installed = root.join(".cache").join(kind).join(name);
    if installed.join("installed").exists() {
        return Some(Library { source, installed });
    }
    println!("skipped: {name} is not installed; run tests/{kind}/setup.sh");
    None
}

/// Returns whether this user can make a mount namespace, as root there. Reports on the test's output
/// if not, because something is not tested then.
#[must_use]
pub fn has_mount_namespaces() -> bool {
    if !has("unshare") {
        return false;
    }
    let made = Command::new("unshare")
        .args(["--map-root-user", "--mount", "true"])
        .stdin(Stdio::null())
        .output();
    let why = match made {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    println!("SKIPPED: no mount namespaces here: {why}");
    false
}

/// Returns whether a program is installed. Reports a missing one on the test's output, because
/// something is not tested then.
#[must_use]
pub fn has(program: &str) -> bool {
    let version = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let found = version.is_ok_and(|status| status.success());
    if !found {
        println!("SKIPPED: {program} is not installed");
    }
    found
}
