//! The context of a chapter, and its vocabulary.

use std::io;
use std::sync::Arc;

use byokey_dev_backend::{DevBackend, Route};
use byokey_protocol::external_auth::ExternalTokens;
use byokey_protocol::secret::Secret;
use serde_json::{Value, json};

use super::host::{Host, Stop};
use super::json::Json;
use super::link::{Link, Supplied};
use super::report::Report;
use super::tokens::{Token, Tokens};

/// Starts a server with these settings.
pub(super) type Spawn = Box<dyn Fn(&[String]) -> io::Result<Link>>;

/// The context of a chapter.
pub(super) struct Scenario {
    pub(super) host: Host,
    pub(super) backend: DevBackend,
    pub(super) tokens: Arc<Tokens>,
    /// Starts another server.
    pub(super) spawn: Spawn,
    /// The conversation, once started.
    pub(super) thread_id: Value,
    pub(super) report: Report,
}

impl Scenario {
    pub(super) fn new(host: Host, backend: DevBackend, tokens: Arc<Tokens>, spawn: Spawn) -> Self {
        Self {
            host,
            backend,
            tokens,
            spawn,
            thread_id: Value::Null,
            report: Report::default(),
        }
    }

    /// Checks that a value is the expected one, and continues in either case.
    pub(super) fn check(
        &mut self,
        check: &str,
        found: &Value,
        wanted: impl Into<Value>,
    ) -> Result<(), Stop> {
        let holds = *found == wanted.into();
        self.report.count(check, holds);
        let instead = (!holds).then(|| Json::from(found));
        Ok(self.host.screen.check(check, instead.as_ref())?)
    }

    /// Makes the backend refuse a token from now on.
    pub(super) fn expire(&mut self, token: &Token) -> Result<(), Stop> {
        self.backend.reject_bearer(&token.value);
        let remark = format!("from now on the backend refuses {}", token.name());
        Ok(self.host.screen.remark(&remark)?)
    }

    /// Waits for a refresh request and answers with this token; returns the request.
    pub(super) fn renew(&mut self, new: &Token) -> Result<Value, Stop> {
        let question = self.host.asked_for_token()?;
        let supplied = Supplied::Tokens(handed_over(new));
        Ok(Host::hand_over(question, supplied))
    }

    /// Checks that the refresh request was about this token.
    pub(super) fn check_question(&mut self, question: &Value, refused: &Token) -> Result<(), Stop> {
        let wanted = json!({"reason": "unauthorized", "previousAccountId": refused.account});
        self.check(
            "byokey asked for a new token and said why",
            question,
            wanted,
        )
    }

    /// Checks that the last calls of a route carried these tokens.
    pub(super) fn check_tokens(
        &mut self,
        check: &str,
        route: Route,
        wanted: &[&Token],
    ) -> Result<(), Stop> {
        let requests = self.backend.requests_to(route);
        let last = requests.len().saturating_sub(wanted.len());
        let found: Vec<_> = requests
            .iter()
            .skip(last)
            .map(|request| request.bearer())
            .collect();
        let wanted: Vec<_> = wanted
            .iter()
            .map(|token| Some(token.value.as_str()))
            .collect();
        self.check(check, &json!(found), json!(wanted))
    }
}

/// Returns a token in the form in which hosts pass it, at login and in the answer to a refresh
/// request.
pub(super) fn handed_over(token: &Token) -> ExternalTokens {
    ExternalTokens {
        access_token: Secret::from(token.value.as_str()),
        chatgpt_account_id: Some(token.account.to_owned()),
        chatgpt_plan_type: None,
        id_token: None,
        workspace_routing: None,
    }
}
