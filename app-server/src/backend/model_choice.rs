//! The model of a thread, and whether it may still change.

/// The model of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelChoice {
    /// Chosen by the client, the configuration or the backend's list.
    Final(String),
    /// A default without a current list. It is looked up again.
    Provisional(String),
}

impl Default for ModelChoice {
    fn default() -> Self {
        Self::Provisional(String::new())
    }
}

impl ModelChoice {
    /// Returns the name of the model.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Final(name) | Self::Provisional(name) => name,
        }
    }

    /// Returns the name of the model.
    #[must_use]
    pub fn into_name(self) -> String {
        match self {
            Self::Final(name) | Self::Provisional(name) => name,
        }
    }

    /// Returns whether it is final.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Final(_))
    }
}
