//! A made-up issuer: it signs everybody in as the same person, and hands out made-up tokens.
//!
//! Its rules are those that a client meets: a code is good once and only with its verifier (PKCE
//! by `S256`, RFC 7636), a refresh token is good once, and who spends one twice loses the login.
//! [`answers`] and [`fields()`] are for other stand-ins of an issuer.

pub mod answers;
mod authorize;
mod device;
mod fields;
mod page;
mod refusal;
mod tokens;

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::StatusCode;

pub use fields::fields;

use crate::answer::whole::Answer;
use crate::request::record::RecordedRequest;

use device::Devices;
use refusal::refused;
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

    pub(crate) fn trade(&self, request: &RecordedRequest) -> Answer {
        self.tokens().trade(&fields(&request.body))
    }

    pub(crate) fn revoke(&self, request: &RecordedRequest) -> Answer {
        self.tokens().revoke(&fields(&request.body))
    }

    /// Whose a personal access token is. Everything that looks like one is the same person's.
    pub(crate) fn whoami(request: &RecordedRequest) -> Answer {
        let bearer = request.bearer();
        if bearer.is_some_and(|bearer| bearer.starts_with("at-")) {
            return Answer::json(StatusCode::OK, &answers::owner(&answers::person()));
        }
        refused(StatusCode::UNAUTHORIZED, "invalid_token")
    }

    pub(crate) fn begin_device(&self) -> Answer {
        self.devices().begin()
    }

    pub(crate) fn poll_device(&self, request: &RecordedRequest) -> Answer {
        let fields = fields(&request.body);
        self.devices().poll(&fields, &mut self.tokens())
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

/// A panic while the lock was held is no reason to answer nobody any more.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
