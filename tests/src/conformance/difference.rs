//! One difference between codex and ours.

use std::fmt;

use serde_json::Value;

/// The kind of a difference.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// codex sends it, ours does not.
    CodexOnly(Value),
    /// Ours sends it, codex does not.
    OursOnly(Value),
    /// Both send it, with different values.
    Differs {
        /// codex's value.
        codex: Value,
        /// Our value.
        ours: Value,
    },
    /// The scenario waited for it in vain.
    Stuck,
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The scenario.
    pub scenario: String,
    /// Name of the message and, after a blank, path of the member, if any.
    pub at: String,
    /// The kind.
    pub kind: Kind,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, at, kind } = self;
        match kind {
            Kind::CodexOnly(value) => write!(f, "{scenario}: codexOnly {at} = {value}"),
            Kind::OursOnly(value) => write!(f, "{scenario}: oursOnly {at} = {value}"),
            Kind::Differs { codex, ours } => {
                write!(f, "{scenario}: differs {at}: codex {codex}, ours {ours}")
            }
            Kind::Stuck => write!(f, "{scenario}: waited in vain for {at}"),
        }
    }
}
