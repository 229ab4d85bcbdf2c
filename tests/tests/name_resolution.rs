//! Name resolution of the shipped program: its own C library resolves names, not this machine's.
//! `tests/resolver/run.py` is the machine around it, in namespaces of its own.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a skipped check tells why")]

use std::path::Path;
use std::process::{Command, Output};

use byokey_tests::byokey_optimised;
use byokey_tests::tools::has;

/// Runs a command in a network and a mount namespace, as root there.
fn unshared(words: &[&str]) -> Output {
    Command::new("unshare")
        .args(["--map-root-user", "--net", "--mount"])
        .args(words)
        .output()
        .unwrap()
}

#[test]
fn names_are_resolved_however_the_machine_is_set_up() {
    if !["python3", "unshare", "mount"].into_iter().all(has) {
        return;
    }
    let allowed = unshared(&["ip", "link", "set", "lo", "up"]);
    if !allowed.status.success() {
        let why = String::from_utf8_lossy(&allowed.stderr);
        println!("SKIPPED: no network namespaces here: {}", why.trim());
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("resolver/run.py");
    let program = byokey_optimised();
    if !program.to_string_lossy().contains("-linux-musl") {
        println!("SKIPPED: {} is not the static program", program.display());
        return;
    }
    let output = unshared(&[
        "python3",
        script.to_str().unwrap(),
        program.to_str().unwrap(),
    ]);
    let (shown, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    for line in shown.lines() {
        println!("figure: {line}");
    }
    assert!(output.status.success(), "{shown}{errors}");
}
