//! Origins that the user allows to receive a provider's own key unencrypted.

use url::Origin;

use super::address;
use super::environment::Environment;
use super::reader::Reader;

/// Reads `BYOKEY_PLAINTEXT_ORIGINS`, separated by commas or white space; else `plaintext_origins`
/// in the table `byokey`. An entry that is not exactly an `http` origin is not allowed.
pub(super) fn read(settings: &mut Reader<'_>, environment: &Environment) -> Vec<Origin> {
    if let Some(list) = environment.get("BYOKEY_PLAINTEXT_ORIGINS") {
        let entries = list
            .split(|character: char| character == ',' || character.is_whitespace())
            .filter(|entry| !entry.is_empty());
        return origins(settings, "BYOKEY_PLAINTEXT_ORIGINS", entries);
    }
    if !settings.has_in("byokey", "plaintext_origins") {
        return Vec::new();
    }
    let Some(mut table) = settings.table("byokey") else {
        return Vec::new();
    };
    let entries = table.strings("plaintext_origins").unwrap_or_default();
    let entries = entries.iter().map(String::as_str);
    origins(&mut table, "plaintext_origins", entries)
}

fn origins<'a>(
    settings: &mut Reader<'_>,
    name: &str,
    entries: impl Iterator<Item = &'a str>,
) -> Vec<Origin> {
    let mut is_whole = true;
    let origins = entries
        .filter_map(|entry| {
            let origin = origin(entry);
            is_whole &= origin.is_some();
            origin
        })
        .collect();
    if !is_whole {
        settings.report(
            name,
            "must list origins like \"http://litellm:4000\": scheme, host and port, nothing else",
        );
    }
    origins
}

/// Parses an exact `http` origin.
fn origin(entry: &str) -> Option<Origin> {
    let url = address::origin(entry)?;
    (url.scheme() == "http").then(|| url.origin())
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn an_origin_is_exact() {
        for (entry, same) in [
            ("http://litellm:4000", "http://litellm:4000"),
            ("http://litellm:4000/", "http://litellm:4000"),
            (" HTTP://LiteLLM:80 ", "http://litellm"),
            ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),
            ("http://[fd00::7]:8080", "http://[fd00::7]:8080"),
        ] {
            let origin = origin(entry).map(|origin| origin.ascii_serialization());
            assert_eq!(origin.as_deref(), Some(same), "{entry}");
        }
        for entry in [
            "",
            "litellm:4000",
            "https://litellm:4000",
            "http://litellm:4000/v1",
            "http://litellm:4000?x",
            "http://litellm:4000#x",
            "http://user@litellm:4000",
            "http://@litellm:4000",
            "http://*.example",
            "http://litellm:4000\\v1",
            "*",
            "http://",
            "file:///tmp",
        ] {
            assert!(origin(entry).is_none(), "{entry}");
        }
    }
}
