//! What the backend refuses before it answers: each check returns the refusal, or nothing.

pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod content;
pub(crate) mod lite;
pub(crate) mod version;
