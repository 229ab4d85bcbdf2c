//! Reads typed settings from a table. A setting of the wrong type is reported: it stops what
//! depends on it, or is ignored with a warning if nothing does.

use toml::{Table, Value};

use super::findings::{Findings, Stops};

/// A table, its name for messages, and the problems so far.
pub(crate) struct Reader<'a> {
    table: &'a Table,
    prefix: String,
    findings: &'a mut Findings,
    stops: Option<Stops>,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(table: &'a Table, findings: &'a mut Findings) -> Self {
        Self {
            table,
            prefix: String::new(),
            findings,
            stops: None,
        }
    }

    /// Returns the same table; unusable settings stop this.
    pub(crate) fn stopping(&mut self, stops: Stops) -> Reader<'_> {
        Reader {
            table: self.table,
            prefix: self.prefix.clone(),
            findings: self.findings,
            stops: Some(stops),
        }
    }

    /// Returns the table of that name.
    pub(crate) fn table(&mut self, name: &str) -> Option<Reader<'_>> {
        let value = self.table.get(name)?;
        self.record(name);
        let Value::Table(table) = value else {
            self.mistyped(name, "a table");
            return None;
        };
        let prefix = format!("{}{}.", self.prefix, shown(name));
        Some(Reader {
            table,
            prefix,
            findings: self.findings,
            stops: self.stops,
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

    /// Returns a string or a list of strings. Blank strings are left out.
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

    /// Returns a list of strings, each as it is.
    pub(crate) fn words(&mut self, name: &str) -> Option<Vec<String>> {
        self.typed(name, "a list of strings", |value| {
            let all = value.as_array()?.iter();
            all.map(|one| one.as_str().map(str::to_owned)).collect()
        })
    }

    /// Returns a table of strings. A value of another type is reported by its key.
    pub(crate) fn string_map(&mut self, name: &str) -> Vec<(String, String)> {
        let Some(mut map) = self.table(name) else {
            return Vec::new();
        };
        let names = map.names();
        names
            .filter_map(|name| Some((name.clone(), map.string(name)?)))
            .collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Returns whether the table of that name has this setting.
    pub(crate) fn has_in(&self, table: &str, name: &str) -> bool {
        let table = self.table.get(table).and_then(Value::as_table);
        table.is_some_and(|table| table.contains_key(name))
    }

    /// Returns the string of that name, without reporting another type.
    pub(crate) fn peek(&self, name: &str) -> Option<&'a str> {
        self.table.get(name)?.as_str()
    }

    /// Iterates over the names in the table.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a String> + use<'a> {
        self.table.keys()
    }

    /// Reports the setting of that name.
    pub(crate) fn report(&mut self, name: &str, problem: &str) {
        self.report_text(format!("`{}{}` {problem}", self.prefix, shown(name)));
    }

    /// Reports a problem with this text.
    pub(crate) fn report_text(&mut self, text: String) {
        match self.stops {
            Some(stops) => self.findings.stop(stops, text),
            None => self.findings.warn(text),
        }
    }

    fn typed<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let read = read(self.table.get(name)?);
        self.record(name);
        if read.is_none() {
            self.mistyped(name, expected);
        }
        read
    }

    /// Records that this setting was read, if that is recorded.
    fn record(&mut self, name: &str) {
        if let Some(trail) = &mut self.findings.trail {
            trail
                .asked
                .insert(format!("{}{}", self.prefix, shown(name)));
        }
    }

    fn mistyped(&mut self, name: &str, expected: &str) {
        self.report(name, &format!("must be {expected}"));
    }
}

/// Returns the name of a setting, a provider or a header for messages. Text that does not look like
/// a name may be a misplaced secret.
pub(super) fn shown(name: &str) -> &str {
    if is_name(name) { name } else { "…" }
}

/// Returns whether a text looks like a name.
pub(super) fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}
