//! The dialect of a request: the rules that apply to it.

use super::record::RecordedRequest;

/// The rules that apply to a request, by its path and the kind of its bearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The ChatGPT backend: `/backend-api/…` and `/codex/…`.
    ChatGpt,
    /// Another path with a token of a ChatGPT login, such as a shared token at api.openai.com: the
    /// same bodies and streams, but any model.
    Shared,
    /// Another path with an API key.
    Api,
}

impl Dialect {
    pub(crate) fn of(request: &RecordedRequest) -> Self {
        let path = request.plain_path();
        if path.contains("/backend-api/") || path.contains("/codex/") {
            return Self::ChatGpt;
        }
        match request.bearer() {
            Some(bearer) if bearer.starts_with("sk-") => Self::Api,
            _ => Self::Shared,
        }
    }
}
