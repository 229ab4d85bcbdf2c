//! Which logins may be installed now.

use super::{AuthState, Epoch};
use crate::credential::{Credential, OwnCredential};
use crate::failure::LoginRefusal;

impl<W> AuthState<W> {
    /// Checks whether [`AuthState::login_own`] would accept the credential.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_own(&self, credential: &OwnCredential, begun: Epoch) -> Result<(), LoginRefusal> {
        self.check_host_is_absent()?;
        self.policy.check_credential(credential)?;
        if begun == self.epoch {
            Ok(())
        } else {
            Err(LoginRefusal::Overtaken)
        }
    }

    /// Checks whether a host's tokens may be installed.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_external_login(&self) -> Result<(), LoginRefusal> {
        self.policy.check_external()
    }

    /// Checks whether a host's bearer token may be installed.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub const fn check_bearer_login(&self) -> Result<(), LoginRefusal> {
        self.policy.check_bearer()
    }

    /// Checks whether an API key may be installed.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_api_key_login(&self) -> Result<(), LoginRefusal> {
        self.check_host_is_absent()?;
        self.policy.check_api_key()
    }

    /// Checks whether a personal access token may be installed.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_personal_login(&self) -> Result<(), LoginRefusal> {
        self.check_host_is_absent()?;
        self.policy.check_personal()
    }

    /// Checks whether a managed login may start.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_managed_login(&self) -> Result<(), LoginRefusal> {
        self.check_host_is_absent()?;
        self.policy.check_managed()
    }

    fn check_host_is_absent(&self) -> Result<(), LoginRefusal> {
        match self.credential.as_deref() {
            Some(Credential::External(_)) => Err(LoginRefusal::ExternalAuthActive),
            Some(Credential::Bearer(_)) => Err(LoginRefusal::HostBearerActive),
            _ => Ok(()),
        }
    }
}
