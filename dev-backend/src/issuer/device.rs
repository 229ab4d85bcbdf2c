//! Logins on another device: the code is approved or denied on its page, or approved by itself
//! after two polls.

use std::collections::VecDeque;

use hyper::StatusCode;
use serde_json::Value;

use super::answers;
use super::fields::{pairs, text};
use super::grant::{Grant, Way, challenge};
use super::page::{escaped, form, page};
use super::refusal::{device_expired, nested};
use super::tokens::Tokens;
use crate::answer::whole::Answer;

/// A login is approved by itself after this many polls.
const SELF_APPROVAL: u32 = 2;
/// Most pending logins. The oldest go first.
const MAX_WAITING: usize = 64;

/// The pending logins.
#[derive(Default)]
pub(super) struct Devices {
    numbers: u64,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    id: String,
    user_code: String,
    polls: u32,
    decision: Option<Decision>,
}

/// The user's decision on the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Approved,
    Denied,
}

impl Devices {
    /// Starts a login; `interval` is the polling interval, in seconds.
    pub(super) fn begin(&mut self, interval: u64) -> Answer {
        self.numbers += 1;
        let id = format!("device-made-up-{}", self.numbers);
        let user_code = format!("MADE-{:05}", self.numbers);
        let answer = answers::device_code(&id, &user_code, interval);
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting {
            id,
            user_code,
            polls: 0,
            decision: None,
        });
        Answer::json(StatusCode::OK, &answer)
    }

    /// Answers a poll: whether the user has logged in.
    pub(super) fn poll(
        &mut self,
        fields: &Value,
        denied_code: &str,
        tokens: &mut Tokens,
    ) -> Answer {
        let (id, user_code) = (text(fields, "device_auth_id"), text(fields, "user_code"));
        let found = self
            .waiting
            .iter()
            .position(|it| it.id == id && it.user_code == user_code);
        let Some(at) = found else {
            return device_expired();
        };
        let waiting = &mut self.waiting[at];
        if waiting.decision.is_none() && waiting.polls < SELF_APPROVAL {
            waiting.polls += 1;
            return nested(StatusCode::FORBIDDEN, "deviceauth_authorization_pending");
        }
        let is_denied = waiting.decision == Some(Decision::Denied);
        self.waiting.remove(at);
        if is_denied {
            return nested(StatusCode::FORBIDDEN, denied_code);
        }
        let verifier = format!("verifier-of-{id}-which-is-made-up-and-long-enough");
        let challenge = challenge(&verifier);
        let code = tokens.grant(Grant {
            challenge: challenge.clone(),
            way: Way::Device,
            shared_with: None,
        });
        let grant = answers::device_grant(&code, &challenge, &verifier);
        Answer::json(StatusCode::OK, &grant)
    }

    /// Returns the page where the user enters the code, or submits it.
    pub(super) fn page(&mut self, query: &str) -> Answer {
        let fields = pairs(query.as_bytes());
        let code = text(&fields, "user_code").trim().to_uppercase();
        let field = "<input name=\"user_code\" placeholder=\"MADE-00001\" autofocus> ";
        let ask = |status, why: &str| {
            let form = form(&[], field, &[("approve", "Approve"), ("deny", "Deny")]);
            page(
                status,
                "Sign in on a device",
                &format!("<p>{why}</p>{form}"),
            )
        };
        if code.is_empty() {
            return ask(StatusCode::OK, "Type the code that the program shows.");
        }
        let found = self.waiting.iter_mut().find(|it| it.user_code == code);
        let Some(waiting) = found else {
            let why = format!("No login waits for <code>{}</code>.", escaped(&code));
            return ask(StatusCode::NOT_FOUND, &why);
        };
        if !text(&fields, "deny").is_empty() {
            waiting.decision = Some(Decision::Denied);
            return page(
                StatusCode::OK,
                "Denied",
                "<p>The program is not signed in.</p>",
            );
        }
        waiting.decision = Some(Decision::Approved);
        let body = "<p>The program will be signed in as <b>ada@example.com</b>.</p>";
        page(StatusCode::OK, "Approved", body)
    }
}
