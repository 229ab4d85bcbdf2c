//! Which logins the configuration allows.

use super::credential::{ExternalLogin, OwnCredential};
use super::failure::LoginRefusal;
use super::identifier::is_identifier;
use super::store::Restored;

/// The only kind of login that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForcedMethod {
    /// ChatGPT accounts, both external and managed.
    Chatgpt,
    /// API keys.
    Api,
}

/// Which logins are allowed.
#[derive(Clone, Debug, Default)]
pub struct LoginPolicy {
    /// The only allowed kind; `None` means any.
    pub forced_method: Option<ForcedMethod>,
    /// The allowed workspaces; empty means any.
    pub allowed_workspaces: Vec<String>,
    /// Whether refreshed tokens must be of the same account.
    pub same_account: bool,
}

impl LoginPolicy {
    /// Returns whether the workspace is allowed.
    #[must_use]
    pub fn allows_workspace(&self, account_id: &str) -> bool {
        self.allowed_workspaces.is_empty()
            || self
                .allowed_workspaces
                .iter()
                .any(|allowed| allowed == account_id)
    }

    /// Returns the first workspace of a host's tokens that is not allowed: the one that the host
    /// names, or the one in the token's claims. A workspace id that is not printable is replaced by
    /// a fixed text.
    pub(super) fn forbidden_workspace(&self, login: &ExternalLogin) -> Option<String> {
        let mut workspaces = login.workspaces();
        let forbidden = workspaces.find(|workspace| !self.allows_workspace(workspace))?;
        let name = if is_identifier(forbidden) {
            forbidden
        } else {
            "an invalid identifier"
        };
        Some(name.to_owned())
    }

    /// Checks whether a stored credential is allowed, as far as is known without asking the issuer.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_restored(&self, restored: &Restored) -> Result<(), LoginRefusal> {
        match restored {
            Restored::PersonalAccessToken(_) => self.check_personal(),
            Restored::Credential(credential) => self.check_credential(credential),
        }
    }

    /// Checks whether a credential of this program is allowed.
    pub(super) fn check_credential(&self, credential: &OwnCredential) -> Result<(), LoginRefusal> {
        match credential {
            OwnCredential::ApiKey(_) => self.check_api_key()?,
            OwnCredential::Managed(_) => self.check_managed()?,
            OwnCredential::PersonalAccessToken(_) => self.check_personal()?,
        }
        self.check_workspace_of(credential)
    }

    pub(super) fn check_api_key(&self) -> Result<(), LoginRefusal> {
        self.unless(ForcedMethod::Chatgpt, LoginRefusal::ApiKeyDisabled)
    }

    pub(super) fn check_external(&self) -> Result<(), LoginRefusal> {
        self.unless(ForcedMethod::Api, LoginRefusal::ExternalDisabled)
    }

    pub(super) fn check_managed(&self) -> Result<(), LoginRefusal> {
        self.unless(ForcedMethod::Api, LoginRefusal::ChatgptDisabled)
    }

    /// Checks whether a personal access token is allowed, as far as is known without asking the
    /// issuer.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_personal(&self) -> Result<(), LoginRefusal> {
        self.unless(ForcedMethod::Api, LoginRefusal::AccessTokenDisabled)
    }

    /// A forced method names a kind of OpenAI login, and a bearer token is neither.
    pub(super) const fn check_bearer(&self) -> Result<(), LoginRefusal> {
        match self.forced_method {
            None => Ok(()),
            Some(_) => Err(LoginRefusal::BearerDisabled),
        }
    }

    /// Checks whether a credential of this program is for an allowed workspace.
    fn check_workspace_of(&self, credential: &OwnCredential) -> Result<(), LoginRefusal> {
        let Some(account) = credential.chatgpt() else {
            return Ok(());
        };
        if self.allowed_workspaces.is_empty() {
            return Ok(());
        }
        match &account.id {
            None => Err(LoginRefusal::NoWorkspace),
            Some(id) if self.allows_workspace(id) => Ok(()),
            Some(_) => Err(LoginRefusal::Restricted {
                allowed: self.allowed_workspaces.clone(),
            }),
        }
    }

    fn unless(&self, forced: ForcedMethod, refusal: LoginRefusal) -> Result<(), LoginRefusal> {
        if self.forced_method == Some(forced) {
            return Err(refusal);
        }
        Ok(())
    }
}
