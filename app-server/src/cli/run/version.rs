//! The version of an installed agent.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Longest `package.json` that is read.
const MAX_MANIFEST: u64 = 256 * 1024;
/// How long a program may take to print its version. One that takes longer is started all the same.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most of what it prints that is read.
const MAX_PRINTED: u64 = 4096;
/// How far above a program its package may begin: `vendor/TARGET/bin/codex`.
const DEPTH: usize = 6;

/// Major, minor, patch.
pub(super) type Version = [u32; 3];

/// Returns the version of a program; `None` if it is not known. A package of npm says it in a file.
/// Any other program is asked, which takes as long as its start.
pub(super) fn installed(program: &Path, package: &str) -> Option<Version> {
    of_package(program, package).or_else(|| printed(program, PATIENCE))
}

/// Returns the version in the manifest of the package that a program is in.
fn of_package(program: &Path, package: &str) -> Option<Version> {
    let program = program.canonicalize().ok()?;
    let folders = program.ancestors().skip(1).take(DEPTH);
    let mut manifests = folders.filter_map(|folder| manifest(&folder.join("package.json")));
    let found = manifests.find(|manifest| {
        let name = manifest["name"].as_str();
        // The package of one platform is called `opencode-linux-x64`.
        let stem = package.trim_end_matches("-ai");
        name.is_some_and(|name| name == package || name.starts_with(&format!("{stem}-")))
    })?;
    parsed(found["version"].as_str()?)
}

fn manifest(file: &Path) -> Option<serde_json::Value> {
    let bytes = byokey_base::owner_only::read_bounded_regular(file, MAX_MANIFEST).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn printed(program: &Path, patience: Duration) -> Option<Version> {
    let mut command = Command::new(program);
    // `byokey run` gives none of them to the agent.
    for name in crate::cli::environment::SECRETS {
        command.env_remove(name);
    }
    let mut child = command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let stdout = child.stdout.take()?;
    let (sender, text) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        if stdout.take(MAX_PRINTED).read_to_string(&mut text).is_ok() {
            drop(sender.send(text));
        }
    });
    let text = text.recv_timeout(patience);
    // It may hang, or have more to say.
    let _ = child.kill();
    let _ = child.wait();
    text.ok()?.split_whitespace().find_map(parsed)
}

/// Parses `1.2.3`, whatever follows the third number.
fn parsed(text: &str) -> Option<Version> {
    let mut numbers = text.trim_start_matches('v').splitn(3, '.');
    let mut next = || {
        let digits = numbers.next()?;
        let end = digits.find(|character: char| !character.is_ascii_digit());
        digits.get(..end.unwrap_or(digits.len()))?.parse().ok()
    };
    Some([next()?, next()?, next()?])
}

/// Returns a version as people write it.
pub(super) fn shown([major, minor, patch]: Version) -> String {
    format!("{major}.{minor}.{patch}")
}

#[cfg(test)]
mod tests {
    use super::{installed, parsed, printed};

    #[test]
    fn versions_are_compared_number_by_number() {
        assert_eq!(parsed("0.171.0"), Some([0, 171, 0]));
        assert_eq!(parsed("v1.18.33-beta.2"), Some([1, 18, 33]));
        assert_eq!(parsed("0.171.0-linux-x64"), Some([0, 171, 0]));
        assert!(parsed("1.2").is_none() && parsed("codex-cli").is_none());
        assert!(parsed("0.98.0") < parsed("0.140.0"));
    }

    #[test]
    #[cfg(unix)]
    #[expect(clippy::disallowed_methods, reason = "the test plays npm")]
    fn the_version_is_that_of_the_package_or_what_the_program_prints() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("bin/agent");
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        std::fs::write(&program, "#!/bin/sh\necho agent-cli 3.2.1\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(installed(&program, "agent"), Some([3, 2, 1]));
        let manifest = folder.path().join("package.json");
        std::fs::write(&manifest, r#"{"name":"other","version":"9.9.9"}"#).unwrap();
        assert_eq!(installed(&program, "agent"), Some([3, 2, 1]));
        std::fs::write(&manifest, r#"{"name":"agent","version":"4.0.0-linux"}"#).unwrap();
        assert_eq!(installed(&program, "agent"), Some([4, 0, 0]));
    }

    #[test]
    #[cfg(unix)]
    #[expect(clippy::disallowed_methods, reason = "the test plays an agent")]
    fn a_program_that_hangs_is_given_up_and_ended() {
        use std::os::unix::fs::PermissionsExt as _;
        use std::time::Duration;

        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("agent");
        let script = "#!/bin/sh\necho $$ >\"$0.pid\"\nexec sleep 600\n";
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(printed(&program, Duration::from_secs(2)), None);
        let pid = std::fs::read_to_string(folder.path().join("agent.pid")).unwrap_or_default();
        let pid = pid
            .trim()
            .parse()
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            assert!(rustix::process::test_kill_process(pid).is_err());
        }
    }
}
