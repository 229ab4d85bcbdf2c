//! Refusals before the default response: each check returns a refusal, or nothing.

pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod content;
pub(crate) mod lite;
pub(crate) mod version;
