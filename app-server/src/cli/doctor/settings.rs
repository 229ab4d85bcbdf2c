//! The configuration: which files are read, what in them is unusable, and what has no effect.

use byokey_app_server::config::{Explained, FEDERATION_RULE, FileState, SettingsFile, Stops};

use super::finding::{Finding, word};

/// Most names in one line.
const MAX_NAMES: usize = 12;

/// What is known of the configuration.
#[derive(Debug, Default)]
pub(super) struct Facts {
    files: Vec<SettingsFile>,
    /// What is unusable, and what that stops.
    problems: Vec<(Stops, String)>,
    /// What is ignored, or read although it is in the wrong place.
    notices: Vec<String>,
    without_effect: Vec<String>,
    /// The unset variable with the provider's key.
    missing_key: Option<String>,
}

impl Facts {
    pub(super) fn of(explained: &Explained) -> Self {
        let config = &explained.config;
        let text = |text: &str| {
            // The reader's prefix is for clients.
            let text = text.strip_prefix("failed to load configuration: ");
            text.map(str::to_owned)
        };
        let problems: Vec<_> = config
            .stopped()
            .map(|(stops, problem)| {
                let whole = problem.to_string();
                (stops, text(&whole).unwrap_or(whole))
            })
            .collect();
        let is_problem = |details: &str| problems.iter().any(|(_, problem)| problem == details);
        let notices = config.warnings.iter().filter_map(|warning| {
            let details = warning.details.as_deref()?;
            (!is_problem(details)).then(|| format!("{} {details}", warning.summary))
        });
        Self {
            notices: notices.collect(),
            files: explained.files.clone(),
            without_effect: explained.without_effect.clone(),
            missing_key: config
                .provider
                .missing_key
                .as_ref()
                .map(|missing| missing.variable.clone()),
            problems,
        }
    }
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<_> = facts.files.iter().map(file).collect();
    for (stops, problem) in &facts.problems {
        let text = format!("{problem}; {}", stopped(*stops));
        let finding = Finding::failure("configuration.setting", text);
        findings.push(match place(facts, problem) {
            Some(file) => finding.mend(format!("\"${{EDITOR:-vi}}\" {}", word(&file.path))),
            None => finding,
        });
    }
    let notices = facts.notices.iter();
    findings.extend(notices.map(|text| notice(text)));
    let (ours, of_codex): (Vec<&String>, Vec<&String>) = facts
        .without_effect
        .iter()
        .partition(|name| *name == "byokey" || name.starts_with("byokey."));
    if !ours.is_empty() {
        let text = format!(
            "without effect, because it is misspelt or something else has precedence: {}",
            listed(&ours)
        );
        findings.push(Finding::warning("configuration.own", text));
    }
    if !of_codex.is_empty() {
        let text = format!("without effect here, left to codex: {}", listed(&of_codex));
        findings.push(Finding::ok("configuration.codex", text));
    }
    if let Some(variable) = &facts.missing_key {
        let text = format!(
            "the provider's key is to be in {variable}, which is not set; model calls are refused"
        );
        let mend = format!("export {variable}=…");
        findings.push(Finding::failure("configuration.key", text).mend(mend));
    }
    findings
}

fn notice(text: &str) -> Finding {
    let finding = Finding::warning("configuration.notice", text);
    if text.contains(FEDERATION_RULE) {
        return finding.mend(format!("unset {FEDERATION_RULE}"));
    }
    finding
}

fn file(file: &SettingsFile) -> Finding {
    let path = file.path.display();
    match file.state {
        FileState::Read => Finding::ok("configuration.file", format!("{path} is read")),
        FileState::Absent => Finding::ok("configuration.file", format!("there is no {path}")),
        FileState::Unusable => {
            Finding::failure("configuration.file", format!("{path} cannot be used"))
                .mend(format!("ls -l {}", word(&file.path)))
        }
    }
}

/// Returns the file that a problem names, or the only one that was read.
fn place<'a>(facts: &'a Facts, problem: &str) -> Option<&'a SettingsFile> {
    let names = |file: &&SettingsFile| problem.starts_with(&*file.path.display().to_string());
    let named = facts.files.iter().find(names);
    named.filter(|file| file.state != FileState::Absent)
}

const fn stopped(stops: Stops) -> &'static str {
    match stops {
        Stops::Everything => "logins and all calls are refused",
        Stops::Logins => "logins are refused",
        Stops::Restoring => "the stored login is not taken up",
        Stops::ModelCalls => "model calls are refused",
        Stops::ChatgptCalls => "calls of the ChatGPT backend are refused",
    }
}

fn listed(names: &[&String]) -> String {
    let shown: Vec<_> = names.iter().take(MAX_NAMES).map(|it| &***it).collect();
    let more = names.len() - shown.len();
    let end = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    shown.join(", ") + &end
}

#[cfg(test)]
mod tests {
    use byokey_app_server::config::{FileState, SettingsFile, Stops};

    use super::super::finding::Level;
    use super::{Facts, check};

    #[test]
    fn what_is_unusable_leads_to_its_file() {
        let facts = Facts {
            files: vec![SettingsFile {
                path: "/home/ada/.codex/config.toml".into(),
                state: FileState::Unusable,
            }],
            problems: vec![(
                Stops::Everything,
                "/home/ada/.codex/config.toml:2:1: nonsense".to_owned(),
            )],
            missing_key: Some("MY_KEY".to_owned()),
            ..Facts::default()
        };
        let findings = check(&facts);
        assert!(findings.iter().all(|it| it.level == Level::Failure));
        let mend = findings[1].mend.as_deref();
        assert_eq!(mend, Some("\"${EDITOR:-vi}\" /home/ada/.codex/config.toml"));
        assert_eq!(findings[2].mend.as_deref(), Some("export MY_KEY=…"));
    }

    #[test]
    fn settings_of_codex_are_no_fault_and_misspelt_ones_of_ours_are() {
        let mut names: Vec<_> = (0..20).map(|number| format!("codex_{number}")).collect();
        names.push("byokey.stroe".to_owned());
        let facts = Facts {
            without_effect: names,
            ..Facts::default()
        };
        let findings = check(&facts);
        let levels: Vec<_> = findings.iter().map(|it| it.level).collect();
        assert_eq!(levels, [Level::Warning, Level::Ok]);
        assert!(findings[0].text.ends_with(": byokey.stroe"));
        assert!(findings[1].text.ends_with("codex_11 and 8 more"));
    }
}
