//! Which logins the configuration allows.

/// The one kind of login that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForcedMethod {
    /// ChatGPT accounts, whoever owns their tokens.
    Chatgpt,
    /// API keys.
    Api,
}

/// Which logins are allowed.
#[derive(Clone, Debug, Default)]
pub struct LoginPolicy {
    /// The one kind allowed; none means any.
    pub forced_method: Option<ForcedMethod>,
    /// The workspaces allowed; none means any.
    pub allowed_workspaces: Vec<String>,
    /// Whether a refresh has to bring tokens of the same account.
    pub same_account: bool,
}

impl LoginPolicy {
    /// Whether the workspace may be used.
    #[must_use]
    pub fn allows_workspace(&self, account_id: &str) -> bool {
        self.allowed_workspaces.is_empty()
            || self
                .allowed_workspaces
                .iter()
                .any(|allowed| allowed == account_id)
    }
}
