//! The prompt cache: the common prefix with the last prompt of the same `session-id` counts as
//! cached.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::answer::usage::TokenUsage;

/// Prompts shorter than this are not cached.
const SHORTEST: u64 = 1024;
/// Cached tokens are counted in blocks of this size.
const BLOCK: u64 = 128;
/// How long a prompt stays cached.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// Most cached sessions. The oldest go first.
const MAX_SESSIONS: usize = 256;

/// The last prompt of each session.
#[derive(Default)]
pub(crate) struct PromptCache {
    sessions: VecDeque<Session>,
}

struct Session {
    id: String,
    prompt: Vec<Part>,
    seen: Instant,
}

/// One part of a prompt: its hash and its tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Part {
    hash: u64,
    tokens: u64,
}

impl PromptCache {
    /// Returns the token usage of a body in the session of that id; without an id nothing is
    /// cached.
    pub(crate) fn charge(&mut self, session: Option<&str>, body: &Value) -> TokenUsage {
        let prompt = prompt(body);
        let tokens = |parts: &[Part]| parts.iter().map(|part| part.tokens).sum::<u64>();
        let input_tokens = tokens(&prompt);
        let before = session.and_then(|id| self.take(id)).unwrap_or_default();
        let common = prompt
            .iter()
            .zip(&before)
            .take_while(|(a, b)| a == b)
            .count();
        let cached = match tokens(&prompt[..common]) {
            short if short < SHORTEST => 0,
            cached => cached / BLOCK * BLOCK,
        };
        let is_cached = session.is_some() && input_tokens >= SHORTEST;
        if let (Some(id), true) = (session, is_cached) {
            self.remember(id, prompt);
        }
        TokenUsage {
            input_tokens,
            cached_input_tokens: cached,
            cache_write_tokens: if is_cached { input_tokens - cached } else { 0 },
            ..TokenUsage::default()
        }
    }

    fn take(&mut self, id: &str) -> Option<Vec<Part>> {
        let found = self.sessions.iter().position(|session| session.id == id)?;
        let session = self.sessions.remove(found)?;
        (session.seen.elapsed() < LIFETIME).then_some(session.prompt)
    }

    fn remember(&mut self, id: &str, prompt: Vec<Part>) {
        if self.sessions.len() == MAX_SESSIONS {
            self.sessions.pop_front();
        }
        self.sessions.push_back(Session {
            id: id.to_owned(),
            prompt,
            seen: Instant::now(),
        });
    }
}

/// Returns the model, the instructions, the tools and each item, in the order in which the model
/// reads them. About one token for four bytes. Reasoning items without their content are dropped.
fn prompt(body: &Value) -> Vec<Part> {
    let items = body["input"].as_array().into_iter().flatten();
    let kept =
        items.filter(|item| item["type"] != "reasoning" || item["encrypted_content"].is_string());
    ["model", "instructions", "tools"]
        .iter()
        .map(|name| &body[*name])
        .chain(kept)
        .filter(|part| !part.is_null())
        .map(part)
        .collect()
}

fn part(value: &Value) -> Part {
    let text = value.to_string();
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Part {
        hash: hasher.finish(),
        tokens: u64::try_from(text.len().div_ceil(4)).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_same_session_and_prefix_are_served_from_the_cache() {
        let body = |instructions: &str, said: &[&str]| json!({"model": "m", "instructions": instructions.repeat(4096), "input": said});
        let mut cache = PromptCache::default();
        let mut cached = |session, body| {
            let usage = cache.charge(session, &body);
            assert!(usage.input_tokens >= 1024);
            usage.cached_input_tokens
        };
        let first = Some("first");
        assert_eq!(cached(first, body("a", &["x"])), 0, "nothing is cached yet");
        assert_eq!(cached(first, body("a", &["x", "y"])), 1024);
        assert_eq!(cached(first, body("b", &["x", "y"])), 0, "another prefix");
        assert_eq!(cached(Some("second"), body("b", &["x"])), 0);
        assert_eq!(cached(None, body("b", &["x"])), 0);
        assert_eq!(cached(first, body("b", &["x", "y"])), 1024);
    }

    #[test]
    fn a_short_prompt_is_not_cached() {
        let mut cache = PromptCache::default();
        let body = json!({"model": "m", "input": ["x"]});
        for _ in 0..2 {
            let usage = cache.charge(Some("s"), &body);
            assert_eq!(
                (usage.cached_input_tokens, usage.cache_write_tokens),
                (0, 0)
            );
        }
    }

    #[test]
    fn reasoning_without_its_content_is_dropped() {
        let with = json!({"input": ["x", {"type": "reasoning", "id": "rs"}]});
        let without = json!({"input": ["x"]});
        let mut cache = PromptCache::default();
        assert_eq!(cache.charge(None, &with), cache.charge(None, &without));
    }
}
