//! A fake issuer: it logs every user in under the same account, and issues fake tokens.
//!
//! Its rules are those of the real one: a code is valid once and only with its verifier (PKCE by
//! `S256`, RFC 7636), a refresh token is valid once (rotation), and a replayed one ends the whole
//! family. [`answers`] and [`fields()`] are for other mock issuers.

pub mod answers;
mod authorize;
mod device;
mod fields;
mod grant;
mod page;
pub(crate) mod refusal;
mod tokens;

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::StatusCode;

pub use fields::fields;

use crate::answer::whole::Answer;
use crate::request::record::RecordedRequest;
use crate::settings::measured::Settings;
use crate::settings::unpublished::Unpublished;

use device::Devices;
use refusal::{nested, refused};
use tokens::Tokens;

/// The state of the issuer.
#[derive(Default)]
pub(crate) struct Issuer {
    tokens: Mutex<Tokens>,
    devices: Mutex<Devices>,
}

impl Issuer {
    pub(crate) fn authorize(&self, request: &RecordedRequest) -> Answer {
        authorize::answer(request.query(), &mut self.tokens())
    }

    pub(crate) fn trade(&self, request: &RecordedRequest, settings: &Settings) -> Answer {
        self.tokens().trade(&fields(&request.body), settings)
    }

    pub(crate) fn revoke(&self, request: &RecordedRequest, settings: &Settings) -> Answer {
        let unpublished = &settings.unpublished;
        if let Some(status) = unpublished.revoke_status {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            return identity_refusal(status, "invalid_request", unpublished);
        }
        self.tokens().revoke(&fields(&request.body))
    }

    /// Returns the owner of a personal access token: the same user for all tokens.
    pub(crate) fn whoami(request: &RecordedRequest, settings: &Settings) -> Answer {
        let bearer = request.bearer();
        if bearer.is_some_and(|bearer| bearer.starts_with("at-")) {
            return Answer::json(StatusCode::OK, &answers::owner(&answers::person()));
        }
        identity_refusal(
            StatusCode::UNAUTHORIZED,
            "invalid_token",
            &settings.unpublished,
        )
    }

    pub(crate) fn begin_device(&self, settings: &Settings) -> Answer {
        self.devices().begin(settings.device_interval_seconds)
    }

    pub(crate) fn poll_device(&self, request: &RecordedRequest, settings: &Settings) -> Answer {
        let fields = fields(&request.body);
        let denied_code = &settings.unpublished.device_denied_code;
        self.devices()
            .poll(&fields, denied_code, &mut self.tokens())
    }

    pub(crate) fn device_page(&self, request: &RecordedRequest) -> Answer {
        self.devices().page(request.query())
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.tokens)
    }

    fn devices(&self) -> MutexGuard<'_, Devices> {
        lock(&self.devices)
    }
}

/// Returns a refusal of revoke or whoami. The form of the real one is not published.
fn identity_refusal(status: StatusCode, code: &str, unpublished: &Unpublished) -> Answer {
    if unpublished.nested_identity_errors {
        nested(status, code)
    } else {
        refused(status, code)
    }
}

/// Locks a mutex and ignores poisoning.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
