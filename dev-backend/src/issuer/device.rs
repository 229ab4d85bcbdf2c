//! Logins on another device: the code is approved on its page, or by itself after two questions.

use std::collections::VecDeque;

use hyper::StatusCode;
use serde_json::Value;

use super::answers;
use super::fields::{pairs, text};
use super::page::{escaped, form, page};
use super::refusal::refused;
use super::tokens::{Grant, Tokens, Way, challenge};
use crate::answer::whole::Answer;

/// After so many questions nobody has to visit the page any more.
const PATIENCE: u32 = 2;
/// Most logins that wait. The oldest go first.
const MAX_WAITING: usize = 64;

/// The logins that wait for their user.
#[derive(Default)]
pub(super) struct Devices {
    numbers: u64,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    id: String,
    user_code: String,
    questions: u32,
    approved: bool,
}

impl Devices {
    /// A login begins.
    pub(super) fn begin(&mut self) -> Answer {
        self.numbers += 1;
        let id = format!("device-made-up-{}", self.numbers);
        let user_code = format!("MADE-{:05}", self.numbers);
        let answer = answers::device_code(&id, &user_code);
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting {
            id,
            user_code,
            questions: 0,
            approved: false,
        });
        Answer::json(StatusCode::OK, &answer)
    }

    /// The program asks whether the user has signed in.
    pub(super) fn poll(&mut self, fields: &Value, tokens: &mut Tokens) -> Answer {
        let (id, user_code) = (text(fields, "device_auth_id"), text(fields, "user_code"));
        let found = self
            .waiting
            .iter()
            .position(|it| it.id == id && it.user_code == user_code);
        let Some(at) = found else {
            return refused(StatusCode::BAD_REQUEST, "expired_token");
        };
        let waiting = &mut self.waiting[at];
        if !waiting.approved && waiting.questions < PATIENCE {
            waiting.questions += 1;
            return refused(StatusCode::FORBIDDEN, "authorization_pending");
        }
        self.waiting.remove(at);
        let verifier = format!("verifier-of-{id}-which-is-made-up-and-long-enough");
        let challenge = challenge(&verifier);
        let code = tokens.grant(Grant {
            challenge: challenge.clone(),
            way: Way::Device,
        });
        let grant = answers::device_grant(&code, &challenge, &verifier);
        Answer::json(StatusCode::OK, &grant)
    }

    /// The page where the user types the code, or comes back with it.
    pub(super) fn page(&mut self, query: &str) -> Answer {
        let fields = pairs(query.as_bytes());
        let code = text(&fields, "user_code").trim().to_uppercase();
        let field = "<input name=\"user_code\" placeholder=\"MADE-00001\" autofocus> ";
        let ask = |status, why: &str| {
            let form = form(&[], field, ("approve", "Approve"));
            page(
                status,
                "Sign in on a device",
                &format!("<p>{why}</p>{form}"),
            )
        };
        if code.is_empty() {
            return ask(StatusCode::OK, "Type the code that the program told you.");
        }
        let found = self.waiting.iter_mut().find(|it| it.user_code == code);
        let Some(waiting) = found else {
            let why = format!("Nobody waits for <code>{}</code>.", escaped(&code));
            return ask(StatusCode::NOT_FOUND, &why);
        };
        waiting.approved = true;
        let body = "<p>The program will be signed in as <b>ada@example.com</b>.</p>";
        page(StatusCode::OK, "Approved", body)
    }
}
