//! One line of the report.

use serde::Serialize;

use super::redact::Redactor;

/// How bad it is, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// It works, perhaps not as intended.
    Warning,
    /// Something is refused or fails.
    Failure,
}

/// One examined point. The ids are stable: `docs/doctor.md` lists them.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) id: &'static str,
    pub(super) level: Level,
    pub(super) text: String,
    /// The shell command that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

impl Finding {
    pub(super) fn ok(id: &'static str, text: impl Into<String>) -> Self {
        Self {
            id,
            level: Level::Ok,
            text: text.into(),
            mend: None,
        }
    }

    pub(super) fn warning(id: &'static str, text: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::ok(id, text)
        }
    }

    pub(super) fn failure(id: &'static str, text: impl Into<String>) -> Self {
        Self {
            level: Level::Failure,
            ..Self::ok(id, text)
        }
    }

    /// Adds the command that mends it.
    pub(super) fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend = Some(command.into());
        self
    }

    /// Takes out of it what is not for others.
    pub(super) fn redact(&mut self, redactor: &Redactor) {
        self.text = redactor.apply(&self.text);
        self.mend = self.mend.take().map(|command| redactor.apply(&command));
    }
}

/// Returns the worst level.
pub(super) fn worst(findings: &[Finding]) -> Level {
    let levels = findings.iter().map(|finding| finding.level);
    levels.max().unwrap_or(Level::Ok)
}

/// Returns a path as a word of a shell command. Each part is quoted by itself, so that the part that
/// is the home folder can become `~`.
pub(super) fn word(path: &std::path::Path) -> String {
    let is_plain =
        |it: char| it.is_ascii_alphanumeric() || matches!(it, '/' | '.' | '_' | '-' | '~' | '+');
    let path = path.display().to_string();
    let parts = path.split('/').map(|part| {
        if part.chars().all(is_plain) {
            part.to_owned()
        } else {
            format!("'{}'", part.replace('\'', r"'\''"))
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Finding, Level, word, worst};

    #[test]
    fn the_worst_line_decides() {
        let (ok, bad) = (Finding::ok("a.b", "x"), Finding::failure("a.c", "y"));
        let warning = Finding::warning("a.d", "z");
        assert_eq!(worst(&[]), Level::Ok);
        assert_eq!(worst(&[ok, warning]), Level::Warning);
        assert_eq!(worst(&[bad, Finding::ok("a.b", "x")]), Level::Failure);
    }

    #[test]
    fn paths_are_words_of_a_shell() {
        for (path, expected) in [
            ("/home/ada/a.json", "/home/ada/a.json"),
            ("/home/ada/my files/a", "/home/ada/'my files'/a"),
            ("/x/it's;", r"/x/'it'\''s;'"),
        ] {
            assert_eq!(word(Path::new(path)), expected);
        }
    }
}
