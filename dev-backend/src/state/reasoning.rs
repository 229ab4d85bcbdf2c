//! Encrypted reasoning: it is accepted back from the account, the session and the model family
//! that it was sent to, and from no other.

use std::collections::VecDeque;

use serde_json::Value;

use crate::request::record::RecordedRequest;

/// Most contents that are remembered. The oldest go first.
const MAX_CONTENTS: usize = 4096;

/// The encrypted contents that were sent, and their owners.
#[derive(Default)]
pub(crate) struct EncryptedReasoning {
    sent: VecDeque<(String, Owner)>,
}

/// Who may send an encrypted content back.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner {
    account: Option<String>,
    session: Option<String>,
    family: String,
}

impl Owner {
    fn of(request: &RecordedRequest, body: &Value) -> Self {
        let header = |name| request.header(name).map(str::to_owned);
        let model = body["model"].as_str().unwrap_or_default();
        Self {
            account: header("chatgpt-account-id")
                .or_else(|| request.auth_claim("chatgpt_account_id")),
            session: header("session-id"),
            family: model
                .rsplit_once('-')
                .map_or(model, |(family, _)| family)
                .to_owned(),
        }
    }
}

impl EncryptedReasoning {
    /// Remembers what is sent in these events to that request.
    pub(crate) fn remember(&mut self, request: &RecordedRequest, events: &[Value]) {
        let done = events.iter().map(|event| &event["item"]);
        let contents: Vec<_> = done
            .filter_map(|item| item["encrypted_content"].as_str())
            .map(str::to_owned)
            .collect();
        if contents.is_empty() {
            return;
        }
        let owner = Owner::of(request, &request.json().unwrap_or_default());
        for content in contents {
            if self.sent.len() == MAX_CONTENTS {
                self.sent.pop_front();
            }
            self.sent.push_back((content, owner.clone()));
        }
    }

    /// The place of the first item whose encrypted content was not sent to this owner.
    pub(crate) fn first_foreign(&self, request: &RecordedRequest, body: &Value) -> Option<usize> {
        let owner = Owner::of(request, body);
        let is_foreign = |item: &Value| {
            let content = item["encrypted_content"].as_str();
            content.is_some_and(|content| {
                let mut sent = self.sent.iter();
                !sent.any(|(known, to)| known == content && *to == owner)
            })
        };
        body["input"].as_array()?.iter().position(is_foreign)
    }
}
