//! Where settings come from: the file, the chosen profile, and `-c key=value`, the later over
//! the earlier.

use std::io::{self, ErrorKind};
use std::path::Path;

use byokey_protocol::warning::{ConfigWarning, TextPosition, TextRange};
use toml::{Table, Value};

use byokey_base::owner_only::{FileFailure, read_bounded_regular};

/// Longest file that is read.
const MAX_SIZE: u64 = 1024 * 1024;

/// What was asked for on the command line.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `-c key=value`, in order. The key may be dotted; the value is TOML, or else a string.
    pub settings: Vec<String>,
    /// `--profile`: a table under `profiles` whose settings stand over those of the file.
    pub profile: Option<String>,
    /// `--store`: where credentials are kept.
    pub store: Option<String>,
}

impl Overrides {
    /// The last string that was given for a key without dots.
    pub(crate) fn setting(&self, key: &str) -> Option<String> {
        let layers = self
            .settings
            .iter()
            .rev()
            .filter_map(|text| parse_override(text));
        let mut values = layers.filter_map(|mut layer| layer.remove(key));
        values.next()?.as_str().map(str::to_owned)
    }
}

/// All settings in one table. What cannot be used is left out and told in a warning.
pub(crate) fn merged(
    file: &Path,
    overrides: &Overrides,
    warnings: &mut Vec<ConfigWarning>,
) -> Table {
    let mut settings = read_file(file, warnings);
    if let Some(name) = &overrides.profile {
        let profile = settings
            .get("profiles")
            .and_then(|all| all.get(name))
            .cloned();
        match profile {
            Some(Value::Table(profile)) => merge(&mut settings, profile),
            _ => warnings.push(warning(
                "The profile is not in the configuration; ignoring it.",
            )),
        }
    }
    for setting in &overrides.settings {
        match parse_override(setting) {
            Some(layer) => merge(&mut settings, layer),
            None => warnings.push(warning("An override is not `key=value`; ignoring it.")),
        }
    }
    settings
}

fn read_file(file: &Path, warnings: &mut Vec<ConfigWarning>) -> Table {
    let text = match read_text(file) {
        Ok(text) => text,
        Err(FileFailure::NotFound) => return Table::new(),
        Err(failure) => {
            warnings.push(ConfigWarning {
                details: Some(format!("the file cannot be read: {failure}")),
                path: Some(file.display().to_string()),
                ..warning("Invalid configuration; using defaults.")
            });
            return Table::new();
        }
    };
    text.parse().unwrap_or_else(|error: toml::de::Error| {
        warnings.push(ConfigWarning {
            // The message alone: the full text would quote the file, which may hold a key.
            details: Some(error.message().to_owned()),
            path: Some(file.display().to_string()),
            range: error.span().map(|span| TextRange {
                start: position(&text, span.start),
                end: position(&text, span.end),
            }),
            ..warning("Invalid configuration; using defaults.")
        });
        Table::new()
    })
}

fn read_text(file: &Path) -> Result<String, FileFailure> {
    let text = read_bounded_regular(file, MAX_SIZE)?;
    // The text may hold a key, which the error would show.
    let text = std::str::from_utf8(&text).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
    Ok(text.to_owned())
}

fn position(text: &str, offset: usize) -> TextPosition {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    TextPosition {
        line: before.matches('\n').count() + 1,
        column: before
            .get(line_start..)
            .map_or(0, |line| line.chars().count())
            + 1,
    }
}

fn parse_override(setting: &str) -> Option<Table> {
    let (key, raw) = setting.split_once('=')?;
    let value = format!("v = {raw}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(raw.trim().to_owned()));
    let mut names = key.trim().split('.').rev();
    let last = names.next().filter(|name| !name.is_empty())?;
    let mut layer = Table::from_iter([(last.to_owned(), value)]);
    for name in names {
        layer = Table::from_iter([(name.to_owned(), Value::Table(layer))]);
    }
    Some(layer)
}

fn merge(base: &mut Table, layer: Table) {
    for (key, value) in layer {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(layer)) => merge(inner, layer),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// A warning without details.
pub(crate) fn warning(summary: &str) -> ConfigWarning {
    ConfigWarning {
        summary: summary.to_owned(),
        details: None,
        path: None,
        range: None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Overrides, merged, position};

    fn settings(overrides: &[&str]) -> (toml::Table, usize) {
        let overrides = Overrides {
            settings: overrides.iter().map(ToString::to_string).collect(),
            ..Overrides::default()
        };
        let mut warnings = Vec::new();
        let table = merged(
            Path::new("/nonexistent/config.toml"),
            &overrides,
            &mut warnings,
        );
        (table, warnings.len())
    }

    #[test]
    fn overrides_are_toml_or_else_strings() {
        let (table, warnings) =
            settings(&["a.b=1", "a.c = \"x\"", "model=gpt-5", "l=[\"p\"]", "a.b=2"]);
        let expected: toml::Table = "model = 'gpt-5'\nl = ['p']\n[a]\nb = 2\nc = 'x'"
            .parse()
            .unwrap();
        assert_eq!(table, expected);
        assert_eq!(warnings, 0);
    }

    #[test]
    fn a_broken_override_is_a_warning() {
        assert_eq!(settings(&["nonsense", "=1"]).1, 2);
    }

    #[test]
    fn positions_count_from_one() {
        let place = position("ab\ncd", 4);
        assert_eq!((place.line, place.column), (2, 2));
    }
}
