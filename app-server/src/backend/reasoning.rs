//! Encrypted reasoning: the model's reasoning, readable to the backend alone.
//!
//! Nothing is stored at the backend (`store: false`), so the model sees its earlier reasoning only
//! if the client sends it back. The backend accepts it only from the account and for the family of
//! models that it came from, and refuses a request with any other.

use std::fmt;

use byokey_auth::AccountIdentity;
use serde::Serialize;

/// The value of `include` that requests it.
pub(crate) const INCLUDE: &str = "reasoning.encrypted_content";

/// One item of reasoning, in the form in which codex sends it back.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "reasoning")]
pub struct Reasoning {
    /// The backend's id, if it has the right form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) summary: Vec<Summary>,
    /// Always null: the text itself is never sent to a client.
    pub(super) content: (),
    pub(super) encrypted_content: String,
}

/// A part of the summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "summary_text")]
pub(super) struct Summary {
    pub(super) text: String,
}

impl fmt::Debug for Reasoning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reasoning")
            .field("bytes", &self.size())
            .finish_non_exhaustive()
    }
}

impl Reasoning {
    /// Returns its size in memory, in bytes.
    pub(crate) fn size(&self) -> usize {
        let summaries = self.summary.iter();
        let summaries = summaries.map(|part| size_of::<Summary>() + part.text.len());
        let id = self.id.as_ref().map_or(0, String::len);
        size_of::<Self>() + summaries.sum::<usize>() + id + self.encrypted_content.len()
    }
}

/// Reasoning with the account and model that it may be sent back for.
#[derive(Clone, Debug)]
pub struct OwnedReasoning {
    /// The item.
    pub item: Reasoning,
    /// The account that it came from; none where the provider has its own credential.
    pub account: Option<AccountIdentity>,
    /// The model that it came from.
    pub model: String,
}

impl OwnedReasoning {
    /// Returns whether the backend can read it for this account and this model.
    #[must_use]
    pub fn is_of(&self, account: Option<&AccountIdentity>, model: &str) -> bool {
        AccountIdentity::are_same(self.account.as_ref(), account)
            && family(&self.model) == family(model)
    }
}

/// Returns the family of a model: `gpt-6.2` of `gpt-6.2-sol`. A name of another form is its own
/// family.
fn family(model: &str) -> &str {
    let is_versioned = |family: &str| family.contains(|it: char| it.is_ascii_digit());
    let is_word = |variant: &str| variant.starts_with(|it: char| it.is_ascii_alphabetic());
    match model.rsplit_once('-') {
        Some((family, variant)) if is_versioned(family) && is_word(variant) => family,
        _ => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_told_apart() {
        for (one, other, is_same) in [
            ("gpt-6.2-sol", "gpt-6.2-astra", true),
            ("gpt-6.2-sol", "gpt-6.1-sol", false),
            ("gpt-5.5", "gpt-5.6-sol", false),
            ("gpt-5.5", "gpt-5", false),
            ("codex-auto-review", "codex-auto-balanced", false),
            ("gpt-5.5-2026-05-01", "gpt-5.5-2026-06-01", false),
        ] {
            assert_eq!(family(one) == family(other), is_same, "{one} {other}");
        }
    }

    #[test]
    fn it_is_written_as_codex_writes_it_and_never_printed() {
        let reasoning = Reasoning {
            id: Some("rs_made_up".to_owned()),
            summary: vec![Summary {
                text: "thought".to_owned(),
            }],
            content: (),
            encrypted_content: "gAAAA-made-up".to_owned(),
        };
        let written = serde_json::to_string(&reasoning).unwrap();
        assert_eq!(
            written,
            r#"{"type":"reasoning","id":"rs_made_up","summary":[{"type":"summary_text","text":"thought"}],"content":null,"encrypted_content":"gAAAA-made-up"}"#
        );
        assert!(!format!("{reasoning:?}").contains("gAAAA"));
    }
}
