//! The report as text and as JSON.

use std::io::IsTerminal as _;

use byokey_app_server::config::Environment;
use byokey_protocol::CODEX_LEVEL;
use serde::Serialize;

use super::finding::{Finding, Level, worst};
use crate::cli::version::features;

/// The version of the JSON object. Members and ids may be added within it.
const FORMAT: u32 = 1;

/// Whether the levels are coloured. The words are there in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint(bool);

impl Paint {
    /// Returns whether standard output is to have colours: on a terminal, unless the environment
    /// says otherwise.
    pub(super) fn of(environment: &Environment) -> Self {
        let is_set = |name| environment.get(name).is_some_and(|value| value != "0");
        let is_dumb = environment.get("TERM") == Some("dumb");
        Self(
            environment.get("NO_COLOR").is_none()
                && (is_set("CLICOLOR_FORCE") || (std::io::stdout().is_terminal() && !is_dumb)),
        )
    }

    fn level(self, level: Level) -> String {
        let (word, colour) = match level {
            Level::Ok => ("ok", "32"),
            Level::Warning => ("warning", "33"),
            Level::Failure => ("failure", "31"),
        };
        if self.0 {
            format!("\u{1b}[{colour}m{word:7}\u{1b}[0m")
        } else {
            format!("{word:7}")
        }
    }
}

/// The JSON object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    format: u32,
    result: Level,
    version: &'static str,
    codex_level: &'static str,
    target: &'static str,
    features: Vec<&'static str>,
    checks: &'a [Finding],
}

/// Returns the report as one line of JSON.
pub(super) fn json(findings: &[Finding]) -> String {
    let report = Report {
        format: FORMAT,
        result: worst(findings),
        version: env!("CARGO_PKG_VERSION"),
        codex_level: CODEX_LEVEL,
        target: env!("BYOKEY_TARGET"),
        features: features(),
        checks: findings,
    };
    serde_json::to_string(&report).unwrap_or_default()
}

/// Returns the report for people: one line a finding, grouped by the first part of its id.
pub(super) fn text(findings: &[Finding], paint: Paint) -> String {
    let mut lines = Vec::new();
    let mut group = "";
    for finding in findings {
        let of = finding.id.split('.').next().unwrap_or_default();
        if of != group {
            if !group.is_empty() {
                lines.push(String::new());
            }
            lines.push(of.to_owned());
            group = of;
        }
        lines.push(format!("  {} {}", paint.level(finding.level), finding.text));
        if let Some(command) = &finding.mend {
            lines.push(format!("          -> {command}"));
        }
    }
    let count = |level| findings.iter().filter(|it| it.level == level).count();
    lines.push(String::new());
    lines.push(format!(
        "{}, {}; nothing above is secret, so it can be pasted into an issue",
        counted(count(Level::Failure), "failure"),
        counted(count(Level::Warning), "warning"),
    ));
    lines.join("\n")
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::{Finding, Paint, json, text};

    #[test]
    fn lines_are_grouped_and_have_the_command_below() {
        let findings = [
            Finding::ok("login.selected", "signed in"),
            Finding::failure("process.memory", "not locked").mend("ulimit -l unlimited"),
            Finding::warning("process.files", "not restricted"),
        ];
        let expected = "login\n  ok      signed in\n\nprocess\n  failure not locked\n          -> \
                        ulimit -l unlimited\n  warning not restricted\n\n1 failure, 1 warning;";
        let plain = text(&findings, Paint(false));
        assert!(plain.starts_with(expected), "{plain}");
        assert!(text(&findings, Paint(true)).contains("\u{1b}[31mfailure\u{1b}[0m"));
        let report: serde_json::Value = serde_json::from_str(&json(&findings)).unwrap();
        assert_eq!(report["result"], "failure");
        assert_eq!(report["checks"][1]["mend"], "ulimit -l unlimited");
        assert!(report["checks"][0].get("mend").is_none());
    }
}
