//! Reads typed settings from a table, leaving out what has the wrong type.

use byokey_protocol::warning::ConfigWarning;
use toml::{Table, Value};

use super::layers::warning;

/// A table, its name for messages, and the warnings met so far.
pub(crate) struct Reader<'a> {
    table: &'a Table,
    prefix: String,
    warnings: &'a mut Vec<ConfigWarning>,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(table: &'a Table, warnings: &'a mut Vec<ConfigWarning>) -> Self {
        Self {
            table,
            prefix: String::new(),
            warnings,
        }
    }

    /// The table of that name, or an empty look at nothing.
    pub(crate) fn table(&mut self, name: &str) -> Option<Reader<'_>> {
        let value = self.table.get(name)?;
        let Value::Table(table) = value else {
            self.mistyped(name, "a table");
            return None;
        };
        let prefix = format!("{}{name}.", self.prefix);
        Some(Reader {
            table,
            prefix,
            warnings: self.warnings,
        })
    }

    pub(crate) fn string(&mut self, name: &str) -> Option<String> {
        self.typed(name, "a string", |value| value.as_str().map(str::to_owned))
    }

    pub(crate) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.typed(name, "true or false", Value::as_bool)
    }

    pub(crate) fn number(&mut self, name: &str) -> Option<u64> {
        self.typed(name, "a whole number, not negative", |value| {
            value
                .as_integer()
                .and_then(|number| u64::try_from(number).ok())
        })
    }

    /// A string or a list of strings. Blank strings are left out.
    pub(crate) fn strings(&mut self, name: &str) -> Option<Vec<String>> {
        let all = self.typed(name, "a string or a list of strings", |value| match value {
            Value::String(one) => Some(vec![one.clone()]),
            Value::Array(all) => all
                .iter()
                .map(|one| one.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        })?;
        Some(
            all.into_iter()
                .filter(|one| !one.trim().is_empty())
                .collect(),
        )
    }

    /// A table whose values are strings.
    pub(crate) fn string_map(&mut self, name: &str) -> Vec<(String, String)> {
        self.typed(name, "a table of strings", |value| {
            let entries = value.as_table()?.iter();
            entries
                .map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect()
        })
        .unwrap_or_default()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Warns about the setting of that name.
    pub(crate) fn warn(&mut self, name: &str, problem: &str) {
        self.warnings.push(ConfigWarning {
            details: Some(format!("`{}{name}` {problem}", self.prefix)),
            ..warning("A setting is not usable; ignoring it.")
        });
    }

    fn typed<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let read = read(self.table.get(name)?);
        if read.is_none() {
            self.mistyped(name, expected);
        }
        read
    }

    fn mistyped(&mut self, name: &str, expected: &str) {
        self.warn(name, &format!("must be {expected}"));
    }
}
