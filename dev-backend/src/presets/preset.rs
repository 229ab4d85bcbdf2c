//! A named response.

use crate::answer::usage::TokenUsage;
use crate::answer::whole::Answer;
use crate::request::record::RecordedRequest;
use crate::request::route::Route;

/// A named response.
pub(crate) struct Preset {
    /// The name in scripts and on the command line.
    pub(crate) name: &'static str,
    /// A description of the response.
    pub(crate) about: &'static str,
    /// The default route on the command line.
    pub(crate) route: Route,
    /// Returns the response.
    pub(crate) answer: fn(&Context<'_>) -> Answer,
}

/// The inputs of a response.
pub(crate) struct Context<'a> {
    pub(crate) request: &'a RecordedRequest,
    /// The number of the reply.
    pub(crate) id: u64,
    /// The token usage of the request.
    pub(crate) usage: TokenUsage,
    /// Whether a stream has the real one's odd form.
    pub(crate) odd: bool,
}

impl Context<'_> {
    /// Returns the model in the request.
    pub(crate) fn model(&self) -> String {
        let body = self.request.json().unwrap_or_default();
        body["model"].as_str().unwrap_or("made-up-model").to_owned()
    }

    /// Returns the plan in the bearer's claims.
    pub(crate) fn plan(&self) -> String {
        let plan = self.request.auth_claim("chatgpt_plan_type");
        plan.unwrap_or_else(|| "pro".to_owned())
    }
}

impl std::fmt::Debug for Preset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
