//! One answer with a name.

use crate::answer::usage::TokenUsage;
use crate::answer::whole::Answer;
use crate::request::record::RecordedRequest;
use crate::request::route::Route;

/// One answer with a name.
pub(crate) struct Preset {
    /// The name in scripts and on the command line.
    pub(crate) name: &'static str,
    /// What it answers.
    pub(crate) about: &'static str,
    /// The route that it is for where the command line names none.
    pub(crate) route: Route,
    /// Makes the answer.
    pub(crate) answer: fn(&Context<'_>) -> Answer,
}

/// What an answer is made from.
pub(crate) struct Context<'a> {
    pub(crate) request: &'a RecordedRequest,
    /// Numbers the reply.
    pub(crate) id: u64,
    /// What the request costs.
    pub(crate) usage: TokenUsage,
    /// Whether a stream has the real one's shape.
    pub(crate) odd: bool,
}

impl Context<'_> {
    /// The model that the request names.
    pub(crate) fn model(&self) -> String {
        let body = self.request.json().unwrap_or_default();
        body["model"].as_str().unwrap_or("made-up-model").to_owned()
    }

    /// The plan that the bearer claims.
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
