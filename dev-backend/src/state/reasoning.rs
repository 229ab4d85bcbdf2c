//! Encrypted reasoning: accepted only from the account, the session and the model family to which
//! it was sent.

use std::collections::VecDeque;

use serde_json::Value;

use crate::request::record::RecordedRequest;

/// Most remembered contents. The oldest go first.
const MAX_CONTENTS: usize = 4096;

/// The sent encrypted contents, and their owners.
#[derive(Default)]
pub(crate) struct EncryptedReasoning {
    sent: VecDeque<(String, Owner)>,
}

/// The owner of an encrypted content: the only sender from which it is accepted.
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
    /// Records the encrypted contents in these events as sent to that request.
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

    /// Returns the index of the first item with encrypted content that was not sent to this owner.
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
