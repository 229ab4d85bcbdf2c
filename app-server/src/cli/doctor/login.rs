//! The login that would be used, and why others are not.

use byokey_app_server::config::{Config, Environment};
use byokey_auth::stores::StoreKind;

use super::finding::Finding;
use super::stores;
use crate::cli::report::{Report, State, Unusable};
use crate::cli::when::TimeFormat;

/// The variable with a key that other programs read.
const OPENAI_KEY: &str = "OPENAI_API_KEY";
/// How far in the future the issue of a token may be, in seconds.
const TOLERANCE: i64 = 300;

/// What is known of the login.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    /// None if the store did not answer in time.
    selected: Option<&'a Result<Report, Unusable>>,
    kind: StoreKind,
    has_own_bearer: bool,
    has_unread_openai_key: bool,
    provider: &'a str,
}

impl<'a> Facts<'a> {
    pub(super) fn of(
        stores: &'a stores::Facts,
        config: &'a Config,
        environment: &Environment,
    ) -> Self {
        let is_read = config.provider.variables.iter().any(|it| it == OPENAI_KEY);
        Self {
            selected: stores.selected.as_ref(),
            kind: stores.kind,
            has_own_bearer: config.provider.own_bearer.is_some()
                || config.provider.token_command.is_some(),
            has_unread_openai_key: !is_read && environment.get(OPENAI_KEY).is_some(),
            provider: &config.provider.id,
        }
    }
}

pub(super) fn check(facts: &Facts<'_>, time_format: &TimeFormat) -> Vec<Finding> {
    let mut findings = Vec::new();
    match facts.selected {
        Some(Ok(report)) => findings.push(selected(report, facts.kind, time_format)),
        Some(Err(problem)) => findings.push(unusable(problem, facts.kind)),
        None => findings.push(unanswered(facts.kind)),
    }
    if facts.has_own_bearer {
        findings.push(Finding::ok(
            "login.provider",
            format!(
                "model calls go to the provider `{}` with its own key, whatever the login",
                facts.provider
            ),
        ));
    }
    if facts.has_unread_openai_key {
        findings.push(Finding::ok(
            "login.openaiKey",
            "OPENAI_API_KEY is set and not read; to use it: `printenv OPENAI_API_KEY | byokey login \
             --store file --with-api-key`",
        ));
    }
    findings.push(Finding::ok(
        "login.host",
        "tokens that a host hands over take the place of all of these while its server runs",
    ));
    let report = facts.selected.and_then(|it| it.as_ref().ok());
    findings.extend(report.and_then(|report| clock(report, time_format)));
    findings
}

fn selected(report: &Report, kind: StoreKind, time_format: &TimeFormat) -> Finding {
    let (Some(way), status) = (report.way(), report.status) else {
        return signed_out(kind);
    };
    let mut text = format!("signed in with {way}");
    if let Some(plan) = report.plan() {
        text.push_str(&format!(", plan {plan}"));
    }
    if let Some(account) = &report.account_id {
        // Enough to tell two workspaces apart.
        let begin: String = account.chars().take(4).collect();
        text.push_str(&format!(", workspace {begin}…"));
    }
    text.push_str(match report.store {
        "environment" => ", from CODEX_ACCESS_TOKEN, which has precedence over the stored login",
        _ => "",
    });
    if report.store != "environment" {
        text.push_str(&format!(", store {}", report.store));
    }
    let is_renewed = report.refresh == Some("byokey");
    if let Some(at) = report.expires_at {
        let moment = time_format.moment(at);
        let renewal = if is_renewed {
            "and is renewed by byokey"
        } else {
            "and is not renewed"
        };
        text.push_str(&format!("; the token's expiry is {moment} {renewal}"));
    }
    if status == State::Expired {
        let text = format!("the login has expired: {text}");
        return Finding::failure("login.selected", text)
            .mend(format!("byokey login --store {}", report.store));
    }
    Finding::ok("login.selected", text)
}

fn signed_out(kind: StoreKind) -> Finding {
    match kind {
        // What a host expects that owns the login.
        StoreKind::Ephemeral => Finding::ok(
            "login.selected",
            "signed out, and no store is chosen: a host has to sign in; or `byokey login --store \
             file`",
        ),
        StoreKind::File | StoreKind::Keyring | StoreKind::Auto => Finding::warning(
            "login.selected",
            "signed out: the chosen store holds no login",
        )
        .mend(format!("byokey login --store {}", kind.name())),
    }
}

/// A token that was issued in the future: the clock was set back, or is wrong now.
fn clock(report: &Report, time_format: &TimeFormat) -> Option<Finding> {
    let at = report.obtained_at?;
    if at.saturating_sub(time_format.now()) <= TOLERANCE {
        return None;
    }
    let text = format!(
        "the stored token was issued {} by this clock: it is slow, and expiry is noticed too late",
        time_format.distance(at)
    );
    Some(Finding::failure("clock.token", text).mend("sudo timedatectl set-ntp true"))
}

fn unusable(problem: &Unusable, kind: StoreKind) -> Finding {
    let finding = Finding::failure("login.selected", format!("no login is used: {problem}"));
    let store = kind.name();
    match problem {
        // The line of the setting has the command.
        Unusable::Configuration(_) => finding,
        Unusable::Store(_) => finding.mend(format!(
            "byokey status --store {store}   # the lines under `store` say what"
        )),
        Unusable::GivenToken(_) => finding.mend("unset CODEX_ACCESS_TOKEN"),
        Unusable::Login(_) => finding.mend(format!(
            "byokey logout --store {store} && byokey login --store {store}"
        )),
    }
}

/// The store may still answer a server, so this is not a failure.
fn unanswered(kind: StoreKind) -> Finding {
    let text = format!(
        "it is not known whether there is a login: the store did not answer within the {} s that \
         this command waits; a server and `byokey status` wait longer. A keyring may be asking \
         for its password",
        stores::PATIENCE.as_secs()
    );
    let mend = format!("byokey status --store {}", kind.name());
    Finding::warning("login.selected", text).mend(mend)
}

#[cfg(test)]
mod tests {
    use byokey_auth::stores::StoreKind;
    use byokey_protocol::account::AuthMode;

    use super::super::finding::Level;
    use super::{Facts, check};
    use crate::cli::report::{Report, State};
    use crate::cli::when::TimeFormat;

    const NOW: i64 = 1_800_000_000;

    fn levels(report: Report, kind: StoreKind) -> Vec<(Level, String)> {
        let selected = Ok(report);
        let facts = Facts {
            selected: Some(&selected),
            kind,
            has_own_bearer: false,
            has_unread_openai_key: false,
            provider: "openai",
        };
        let findings = check(&facts, &TimeFormat::at(NOW));
        let findings = findings.into_iter().filter(|it| it.id != "login.host");
        findings
            .map(|it| (it.level, it.mend.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn the_login_decides_the_level_and_the_command() {
        let signed_in = |status, expires_at, obtained_at| Report {
            status,
            mode: Some(AuthMode::Chatgpt),
            expires_at: Some(expires_at),
            obtained_at: Some(obtained_at),
            ..Report::signed_out("file")
        };
        let good = signed_in(State::SignedIn, NOW + 60, NOW);
        assert_eq!(levels(good, StoreKind::File), [(Level::Ok, String::new())]);
        let expired = signed_in(State::Expired, NOW - 60, NOW - 3600);
        let login = "byokey login --store file".to_owned();
        assert_eq!(levels(expired, StoreKind::File), [(Level::Failure, login)]);
        let early = signed_in(State::SignedIn, NOW + 7200, NOW + 3600);
        assert_eq!(levels(early, StoreKind::File)[1].0, Level::Failure);
        for (kind, level) in [
            (StoreKind::Ephemeral, Level::Ok),
            (StoreKind::Keyring, Level::Warning),
        ] {
            let found = levels(Report::signed_out("x"), kind);
            assert_eq!(found[0].0, level, "{kind:?}");
            let is_complete = found[0].1 == "byokey login --store keyring";
            assert_eq!(is_complete, level == Level::Warning, "{found:?}");
        }
    }
}
