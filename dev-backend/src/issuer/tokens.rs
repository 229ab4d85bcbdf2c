//! Codes and refresh tokens: what is good, for whom, and how often.

use std::collections::{HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::answers;
use super::fields::text;
use super::refusal::refused;
use crate::answer::whole::Answer;
use crate::clock::unix_now;

/// Most codes that wait to be traded. The oldest go first.
const MAX_CODES: usize = 64;

/// What a code was given for.
pub(super) struct Grant {
    pub(super) challenge: String,
    pub(super) way: Way,
}

/// How the code got to the program.
pub(super) enum Way {
    /// With the browser, to that address of that client.
    Browser {
        redirect_uri: String,
        client_id: String,
    },
    /// The program asked for it.
    Device,
}

impl Grant {
    /// Whether these fields come from the program that the code was given to.
    fn is_for(&self, fields: &Value) -> bool {
        let given = text(fields, "redirect_uri");
        let is_same_way = match &self.way {
            Way::Browser {
                redirect_uri,
                client_id,
            } => redirect_uri == given && client_id == text(fields, "client_id"),
            Way::Device => given.ends_with("/deviceauth/callback"),
        };
        is_same_way && self.challenge == challenge(text(fields, "code_verifier"))
    }
}

/// What was handed out.
pub(super) struct Tokens {
    /// Tells the tokens of this run from those of an earlier one.
    run: u64,
    numbers: u64,
    codes: VecDeque<(String, Grant)>,
    /// The one refresh token of each login that is good, by the number of the login.
    logins: HashMap<u64, String>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            run: unix_now(),
            numbers: 0,
            codes: VecDeque::new(),
            logins: HashMap::new(),
        }
    }
}

/// The challenge of a verifier by the method `S256`.
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

impl Tokens {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// A code that is good once, for that.
    pub(super) fn grant(&mut self, grant: Grant) -> String {
        let number = self.number();
        let code = format!("code-made-up-{}-{number}", self.run);
        if self.codes.len() == MAX_CODES {
            self.codes.pop_front();
        }
        self.codes.push_back((code.clone(), grant));
        code
    }

    /// Trades a code or a refresh token for tokens.
    pub(super) fn trade(&mut self, fields: &Value) -> Answer {
        match text(fields, "grant_type") {
            "authorization_code" => self.trade_code(fields),
            "refresh_token" => self.renew(text(fields, "refresh_token")),
            _ => refused(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        }
    }

    fn trade_code(&mut self, fields: &Value) -> Answer {
        let code = text(fields, "code");
        let found = self.codes.iter().position(|(known, _)| known == code);
        // Whoever comes with it, it is spent.
        let Some((_, grant)) = found.and_then(|at| self.codes.remove(at)) else {
            return refused(StatusCode::BAD_REQUEST, "invalid_grant");
        };
        if !grant.is_for(fields) {
            return refused(StatusCode::BAD_REQUEST, "invalid_grant");
        }
        let login = self.number();
        self.hand_out(login)
    }

    fn renew(&mut self, refresh_token: &str) -> Answer {
        let Some(login) = self.login_of(refresh_token) else {
            return refused(StatusCode::UNAUTHORIZED, "refresh_token_invalidated");
        };
        if self.logins.get(&login).map(String::as_str) == Some(refresh_token) {
            return self.hand_out(login);
        }
        // Two programs hold it, or it was stolen: nobody keeps it (RFC 9700 section 4.14).
        self.logins.remove(&login);
        refused(StatusCode::UNAUTHORIZED, "refresh_token_reused")
    }

    fn hand_out(&mut self, login: u64) -> Answer {
        let number = self.number();
        let refresh_token = format!("rt-made-up-{}-{login}-{number}", self.run);
        self.logins.insert(login, refresh_token.clone());
        let person = answers::person();
        let access_token = answers::access_token(&person, number);
        let tokens = answers::tokens(&person, &access_token, &refresh_token);
        Answer::json(StatusCode::OK, &tokens)
    }

    /// The login that a refresh token of this run belongs to, if that is still good.
    fn login_of(&self, refresh_token: &str) -> Option<u64> {
        let rest = refresh_token.strip_prefix(&format!("rt-made-up-{}-", self.run))?;
        let login = rest.split('-').next()?.parse().ok()?;
        self.logins.contains_key(&login).then_some(login)
    }

    /// Takes a login back. What is not known is taken back already (RFC 7009 section 2.2).
    pub(super) fn revoke(&mut self, fields: &Value) -> Answer {
        if let Some(login) = self.login_of(text(fields, "token")) {
            self.logins.remove(&login);
        }
        Answer::json(StatusCode::OK, &json!({}))
    }
}
