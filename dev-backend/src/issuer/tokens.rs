//! Exchange and renewal: the state of each refresh token.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use serde_json::{Value, json};

use super::answers;
use super::fields::text;
use super::grant::{Codes, Grant};
use super::refusal::{nested, refused};
use crate::answer::whole::Answer;
use crate::clock::unix_now;
use crate::jwt::TestToken;
use crate::settings::measured::Settings;

/// How long before their expiry shared tokens may be refreshed, in seconds.
const SHARED_LEAD: u64 = 6 * 60;

/// The issued tokens.
pub(super) struct Tokens {
    /// Distinguishes the tokens of this run from those of an earlier one.
    run: u64,
    numbers: u64,
    codes: Codes,
    /// The logins with a live family of refresh tokens, by number.
    logins: HashMap<u64, Login>,
}

/// A login: a family of refresh tokens, one of them valid.
struct Login {
    refresh_token: String,
    /// The previous one, and when it was spent.
    spent: Option<(String, Instant)>,
    /// The client id issued for it, if it is shared with an app.
    shared_with: Option<String>,
    /// An earlier refresh is refused, and spends the token.
    earliest_refresh_at: u64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            run: unix_now(),
            numbers: 0,
            codes: Codes::default(),
            logins: HashMap::new(),
        }
    }
}

impl Tokens {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Returns a code for this grant, valid once.
    pub(super) fn grant(&mut self, grant: Grant) -> String {
        let number = self.number();
        let code = format!("code-made-up-{}-{number}", self.run);
        self.codes.add(code.clone(), grant);
        code
    }

    /// Returns a client id for an app with a shared login.
    pub(super) fn client_id(&mut self) -> String {
        format!("app-made-up-{}", self.number())
    }

    /// Exchanges a code or a refresh token for tokens.
    pub(super) fn trade(&mut self, fields: &Value, settings: &Settings) -> Answer {
        match text(fields, "grant_type") {
            "authorization_code" => match self.codes.redeem(fields) {
                Some(grant) => {
                    let login = self.number();
                    self.issue(login, None, grant.shared_with, settings)
                }
                None => refused(StatusCode::BAD_REQUEST, "invalid_grant"),
            },
            "refresh_token" => self.refresh(text(fields, "refresh_token"), settings),
            _ => refused(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        }
    }

    fn refresh(&mut self, refresh_token: &str, settings: &Settings) -> Answer {
        if refresh_token.is_empty() {
            return nested(StatusCode::BAD_REQUEST, "missing_required_parameter");
        }
        let Some(number) = self.login_of(refresh_token) else {
            return nested(StatusCode::UNAUTHORIZED, "refresh_token_invalidated");
        };
        let Some(login) = self.logins.remove(&number) else {
            return nested(StatusCode::UNAUTHORIZED, "refresh_token_invalidated");
        };
        let grace = Duration::from_secs(settings.unpublished.refresh_grace_seconds);
        let is_retry = login.spent.as_ref().is_some_and(|(token, at)| {
            token == refresh_token && !grace.is_zero() && at.elapsed() < grace
        });
        // A replayed token is held by two programs, or stolen: the whole family ends (RFC 9700
        // section 4.14).
        if login.refresh_token != refresh_token && !is_retry {
            return nested(StatusCode::UNAUTHORIZED, "refresh_token_reused");
        }
        if unix_now() < login.earliest_refresh_at {
            return refused(StatusCode::BAD_REQUEST, "invalid_grant");
        }
        let spent = Some((refresh_token.to_owned(), Instant::now()));
        self.issue(number, spent, login.shared_with, settings)
    }

    /// Issues tokens of a login, for a new family or the next of one.
    fn issue(
        &mut self,
        login: u64,
        spent: Option<(String, Instant)>,
        shared_with: Option<String>,
        settings: &Settings,
    ) -> Answer {
        let number = self.number();
        let is_refresh = spent.is_some();
        let lifetime = match shared_with {
            Some(_) => settings.shared_token_seconds,
            None => settings.access_token_seconds,
        };
        let person = TestToken {
            expires_at: unix_now() + lifetime,
            ..answers::person()
        };
        let access_token = match &shared_with {
            Some(client_id) => answers::shared_access_token(&person, number, client_id),
            None => answers::access_token(&person, number),
        };
        let refresh_token = format!("rt-made-up-{}-{login}-{number}", self.run);
        let mut tokens = answers::tokens(&person, &access_token, &refresh_token);
        tokens["expires_in"] = lifetime.into();
        let mut earliest_refresh_at = 0;
        if shared_with.is_some() {
            earliest_refresh_at = person.expires_at.saturating_sub(SHARED_LEAD);
            tokens["earliest_refresh_at"] = earliest_refresh_at.into();
        }
        if is_refresh
            && !settings.id_token_at_refresh
            && let Some(members) = tokens.as_object_mut()
        {
            members.remove("id_token");
        }
        self.logins.insert(
            login,
            Login {
                refresh_token,
                spent,
                shared_with,
                earliest_refresh_at,
            },
        );
        Answer::json(StatusCode::OK, &tokens)
    }

    /// Returns the login of a refresh token of this run, if its family is alive.
    fn login_of(&self, refresh_token: &str) -> Option<u64> {
        let rest = refresh_token.strip_prefix(&format!("rt-made-up-{}-", self.run))?;
        let login = rest.split('-').next()?.parse().ok()?;
        self.logins.contains_key(&login).then_some(login)
    }

    /// Revokes a login. An unknown token counts as revoked (RFC 7009 section 2.2).
    pub(super) fn revoke(&mut self, fields: &Value) -> Answer {
        if let Some(login) = self.login_of(text(fields, "token")) {
            self.logins.remove(&login);
        }
        Answer::json(StatusCode::OK, &json!({}))
    }
}
