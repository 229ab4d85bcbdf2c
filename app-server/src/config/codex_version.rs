//! The version of codex that this program states.

use byokey_protocol::CODEX_LEVEL;

use super::environment::Environment;
use super::reader::Reader;

/// Reads `BYOKEY_CODEX_VERSION`, else `codex_version` in the table `byokey`; by default the version
/// of the codex that this program is compared with.
pub(super) fn read(settings: &mut Reader<'_>, environment: &Environment) -> String {
    if let Some(version) = environment.get("BYOKEY_CODEX_VERSION") {
        return checked(settings, "BYOKEY_CODEX_VERSION", version.trim());
    }
    if !settings.has_in("byokey", "codex_version") {
        return CODEX_LEVEL.to_owned();
    }
    let Some(mut table) = settings.table("byokey") else {
        return CODEX_LEVEL.to_owned();
    };
    match table.string("codex_version") {
        Some(version) => checked(&mut table, "codex_version", version.trim()),
        None => CODEX_LEVEL.to_owned(),
    }
}

fn checked(settings: &mut Reader<'_>, name: &str, version: &str) -> String {
    if !is_version(version) {
        settings.report(name, "must be a version of codex such as \"0.171.0\"");
    }
    version.to_owned()
}

/// Returns whether a text is three numbers, with or without a suffix such as `-alpha.1`.
fn is_version(text: &str) -> bool {
    let (release, suffix) = text.split_once('-').unwrap_or((text, "x"));
    let mut parts = release.split('.');
    let is_number = |part: &str| part.parse::<u32>().is_ok() && !part.starts_with('+');
    let is_word = |it: u8| it.is_ascii_alphanumeric() || it == b'.';
    parts.clone().count() == 3
        && parts.all(is_number)
        && (1..=32).contains(&suffix.len())
        && suffix.bytes().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn a_version_has_three_numbers() {
        for version in ["0.171.0", "1.0.0", "0.172.0-alpha.2"] {
            assert!(is_version(version), "{version}");
        }
        for text in [
            "",
            "1",
            "0.171",
            "0.171.0.1",
            "v0.171.0",
            "0.171.0-",
            "0.1.x",
            "+1.0.0",
        ] {
            assert!(!is_version(text), "{text}");
        }
    }
}
