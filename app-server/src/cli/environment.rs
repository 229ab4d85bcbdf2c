//! The environment of programs that this one starts.

use std::ffi::{OsStr, OsString};
use std::process::Command;

/// Prefixes of variables that control the system's loader.
const LOADER: [&str; 2] = ["LD_", "DYLD_"];
/// Variables that may contain a secret of ours.
pub(super) const SECRETS: [&str; 2] = ["CODEX_ACCESS_TOKEN", "OPENAI_API_KEY"];

/// Removes these variables from the environment of a program that is not ours.
pub(super) fn withhold(command: &mut Command, variables: impl Iterator<Item = OsString>) {
    for name in variables.filter(|name| is_withheld(name)) {
        command.env_remove(name);
    }
}

fn is_withheld(name: &OsStr) -> bool {
    let mut name = name.to_string_lossy();
    if cfg!(windows) {
        // On Windows, names of variables ignore case.
        name = name.to_ascii_uppercase().into();
    }
    SECRETS.contains(&name.as_ref()) || LOADER.iter().any(|begin| name.starts_with(begin))
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::withhold;

    #[test]
    fn a_program_sees_neither_secrets_nor_what_the_loader_reads() {
        let set = [
            ("LD_LIBRARY_PATH", "/made-up"),
            ("DYLD_INSERT_LIBRARIES", "/made-up"),
            ("CODEX_ACCESS_TOKEN", "at-made-up"),
            ("OPENAI_API_KEY", "sk-made-up"),
            ("DISPLAY", ":7"),
        ];
        let seen = |names: &[&str]| {
            let mut command = Command::new("env");
            command.env_clear().env("PATH", "/usr/bin:/bin").envs(set);
            withhold(&mut command, names.iter().map(Into::into));
            let output = command.output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        assert!(
            seen(&[]).contains("made-up"),
            "all of it is seen unless withheld"
        );
        let names = set.map(|(name, _)| name);
        let rest = seen(&names);
        assert!(
            rest.contains("DISPLAY=:7") && !rest.contains("made-up"),
            "{rest}"
        );
    }
}
