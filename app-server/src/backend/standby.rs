//! Which connections are opened ahead: see `standby` in the crate `http`.
//!
//! One after a login, to where its calls will go, and one when a call is over. They belong to the
//! account: a renewal keeps them, a logout or another account ends them.

use std::sync::{Arc, PoisonError};

use byokey_auth::{AccountIdentity, CredentialChange, Lease};
use byokey_http::{HttpClient, Occasion};
use http::Method;
use url::Url;

use super::route::Route;
use super::{Backend, Call, Service};

impl Backend {
    /// Follows a change of the credential in force.
    pub(crate) fn follow(&self, change: CredentialChange) {
        let lease = self.auth.lease();
        let account = lease.as_ref().map(|lease| lease.credential.identity());
        {
            let mut connects_for = self
                .connects_for
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if !AccountIdentity::are_same(connects_for.as_ref(), account.as_ref()) {
                self.http.forget();
            }
            self.cookies.follow(account.as_ref());
            *connects_for = account;
        }
        let Some(lease) = lease else {
            self.follow_workspace(None);
            return;
        };
        self.http.signed_in();
        // Another lease, which goes with the lookup.
        self.follow_workspace(self.auth.lease());
        if change == CredentialChange::Login
            && let Some(url) = self.destination(&lease)
        {
            let era = self.http.era();
            self.http.open_standby(&url, era, Occasion::Login);
        }
    }

    /// Returns the era of the connections that a call for this account may take. None if another
    /// account is in force by now: its connections are not for this call.
    pub(super) fn era_of(&self, account: Option<&AccountIdentity>) -> Option<u64> {
        let connects_for = self
            .connects_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_admitted =
            account.is_none() || AccountIdentity::are_same(account, connects_for.as_ref());
        is_admitted.then(|| self.http.era())
    }

    /// Where the login will be sent: with model requests; or, if these carry something else, with
    /// those of the account.
    pub(super) fn destination(&self, lease: &Lease) -> Option<Url> {
        let config = self.config();
        let workspace = self.workspaces.known(&lease.credential.identity());
        let workspace = workspace.as_deref();
        [Service::Models, Service::Account]
            .into_iter()
            .filter_map(|service| {
                Route::of(&first_call(service), Some(lease), &config, workspace).ok()
            })
            .find(|route| route.carries.is_login())
            .map(|route| route.url)
    }
}

/// A call that stands for all of a service: they differ in the path.
const fn first_call(service: Service) -> Call<'static> {
    Call {
        service,
        method: Method::GET,
        path: "",
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        retries: 0,
        renews: false,
        keeps_account: false,
        on_renewal: None,
        on_unrouted: None,
        deadline: std::time::Duration::ZERO,
        #[cfg(feature = "gateway")]
        from_client: None,
    }
}

/// Opens a standby connection for the next call when this value goes, with the call.
#[derive(Debug)]
pub(super) struct Refill {
    http: Arc<HttpClient>,
    url: Url,
    era: u64,
    occasion: Occasion,
}

impl Refill {
    /// A call to this address was answered, which began in this era.
    pub(super) fn new(http: &Arc<HttpClient>, url: Url, era: u64, is_turn: bool) -> Self {
        Self {
            http: Arc::clone(http),
            url,
            era,
            occasion: if is_turn {
                Occasion::Turn
            } else {
                Occasion::Call
            },
        }
    }
}

impl Drop for Refill {
    fn drop(&mut self) {
        self.http.open_standby(&self.url, self.era, self.occasion);
    }
}
