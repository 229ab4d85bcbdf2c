//! Problems in the configuration: warnings for clients, and operations that are refused until a
//! problem is repaired.

use byokey_protocol::warning::ConfigWarning;

use super::explained::Trail;

/// What an unusable setting stops. Nothing else is affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stops {
    /// Every login and every call: the configuration as a whole is unknown.
    Everything,
    /// Logins: the policy or the store is unknown.
    Logins,
    /// Restoring the stored login at startup, because another may have been meant.
    Restoring,
    /// Calls of the model provider.
    ModelCalls,
    /// Calls of the ChatGPT backend.
    ChatgptCalls,
}

/// An unusable setting, because of which dependent operations are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to load configuration: {0}")]
pub struct ConfigurationInvalid(pub(super) String);

/// Problems found while reading the configuration.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(super) warnings: Vec<ConfigWarning>,
    pub(super) problems: Problems,
    /// What was read, if that is recorded.
    pub(super) trail: Option<Trail>,
}

/// The unusable settings, in the order in which they were found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems(Vec<(Stops, ConfigurationInvalid)>);

impl Problems {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over all of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Stops, &ConfigurationInvalid)> {
        self.0.iter().map(|(stops, problem)| (*stops, problem))
    }

    /// Copies the problems that stop exactly this from an earlier reading.
    pub(super) fn carry_over(&mut self, what: Stops, earlier: &Self) {
        if !self.0.iter().any(|(stops, _)| *stops == what) {
            let carried = earlier.0.iter().filter(|(stops, _)| *stops == what);
            self.0.extend(carried.cloned());
        }
    }

    /// Returns the first problem that stops this.
    pub(super) fn stopping(&self, what: Stops) -> Option<&ConfigurationInvalid> {
        let mut problems = self.0.iter();
        let (_, problem) =
            problems.find(|(stops, _)| *stops == what || *stops == Stops::Everything)?;
        Some(problem)
    }
}

impl Findings {
    /// Adds a warning about a setting without effect; nothing is stopped.
    pub(super) fn warn(&mut self, details: String) {
        self.warnings.push(ConfigWarning {
            details: Some(details),
            ..warning("A setting is not usable; ignoring it.")
        });
    }

    /// Adds a notice for clients; nothing is wrong.
    pub(super) fn notice(&mut self, summary: &str, details: String) {
        self.warnings.push(ConfigWarning {
            details: Some(details),
            ..warning(summary)
        });
    }

    /// Adds an unusable setting: dependent operations are refused with this text.
    pub(super) fn stop(&mut self, stops: Stops, details: String) {
        let summary = match stops {
            Stops::Everything => INVALID,
            Stops::Logins => "A setting is not usable; logins are refused until it is repaired.",
            Stops::Restoring => "A setting is not usable; the stored login is not taken up.",
            Stops::ModelCalls => {
                "A setting is not usable; model calls are refused until it is repaired."
            }
            Stops::ChatgptCalls => {
                "A setting is not usable; calls of the ChatGPT backend are refused until it is \
                 repaired."
            }
        };
        self.notice(summary, details.clone());
        self.problems.0.push((stops, ConfigurationInvalid(details)));
    }

    /// Adds an unreadable file, with the position in it.
    pub(super) fn stop_at(&mut self, unusable: super::file::Unusable) {
        let text = unusable.to_string();
        self.warnings.push(ConfigWarning {
            details: Some(text.clone()),
            path: Some(unusable.path.display().to_string()),
            range: unusable.range,
            ..warning(INVALID)
        });
        let problem = ConfigurationInvalid(text);
        self.problems.0.push((Stops::Everything, problem));
    }
}

const INVALID: &str =
    "Invalid configuration; logins and model calls are refused until it is repaired.";

/// Returns a warning without details.
fn warning(summary: &str) -> ConfigWarning {
    ConfigWarning {
        summary: summary.to_owned(),
        details: None,
        path: None,
        range: None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Findings, Stops};

    #[test]
    fn a_problem_stops_what_depends_on_it_and_nothing_else() {
        use Stops::{ChatgptCalls, Everything, Logins, ModelCalls, Restoring};
        let all = [Everything, Logins, Restoring, ModelCalls, ChatgptCalls];
        for stops in all {
            let mut findings = Findings::default();
            findings.stop(stops, "words".to_owned());
            assert_eq!(findings.warnings.len(), 1);
            for what in all {
                let stopped = findings.problems.stopping(what).is_some();
                assert_eq!(
                    stopped,
                    stops == what || stops == Everything,
                    "{stops:?} {what:?}"
                );
            }
        }
    }
}
