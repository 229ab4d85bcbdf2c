//! Bounded reading of response bodies.

use std::ops::Deref;

use byokey_http::Response;
use serde::de::DeserializeOwned;

use tokio::time::Instant;

use super::limits::{Limit, MAX_ERROR_BODY, MAX_JSON_BODY};
use super::room::Part;
use super::{Backend, BackendError, Call, Service, signed_out};
use byokey_auth::{AccountIdentity, Lease};

/// A type of JSON documents.
pub(crate) trait Document: DeserializeOwned {
    /// Whether the document may be a list. Serde accepts any list for a struct.
    const MAY_BE_LIST: bool = false;
}

/// A body, with its part of the room for answers.
pub(crate) struct Held {
    bytes: Vec<u8>,
    room: Part,
}

impl Held {
    const fn new(room: Part) -> Self {
        Self {
            bytes: Vec::new(),
            room,
        }
    }

    fn extend(&mut self, chunk: &[u8], longest: usize) -> Result<(), Limit> {
        self.room.grow(&mut self.bytes, chunk.len(), longest)?;
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// Returns the body. Its room is given back with the last copy.
    #[cfg(feature = "gateway")]
    pub(crate) fn into_bytes(self) -> bytes::Bytes {
        bytes::Bytes::from_owner(self)
    }
}

impl Deref for Held {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Reads a JSON document.
pub(crate) async fn json<T: Document>(response: Response, room: Part) -> Result<T, BackendError> {
    let body = whole(response, room).await?;
    // As text, because lenient members are parsed again.
    let text = std::str::from_utf8(&body).map_err(|_| BackendError::UnexpectedBody)?;
    if text.trim_start().starts_with('[') && !T::MAY_BE_LIST {
        return Err(BackendError::UnexpectedBody);
    }
    serde_json::from_str(text).map_err(|_| BackendError::UnexpectedBody)
}

/// Reads a document to its end.
pub(crate) async fn whole(mut response: Response, room: Part) -> Result<Held, BackendError> {
    let announced = response.content_length().unwrap_or_default();
    if usize::try_from(announced).is_ok_and(|length| length > MAX_JSON_BODY) {
        return Err(Limit::JsonBody.into());
    }
    let mut body = Held::new(room);
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|_| BackendError::Interrupted)? else {
            break;
        };
        if body.bytes.len() + chunk.len() > MAX_JSON_BODY {
            return Err(Limit::JsonBody.into());
        }
        body.extend(&chunk, MAX_JSON_BODY)?;
    }
    Ok(body)
}

/// Reads an error body; `None` if it breaks off, is too long, or has no room.
pub(crate) async fn some(mut response: Response, room: Part) -> Option<Held> {
    let mut body = Held::new(room);
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.bytes.len() + chunk.len() > MAX_ERROR_BODY {
            return None;
        }
        body.extend(&chunk, MAX_ERROR_BODY).ok()?;
    }
    Some(body)
}

impl Backend {
    /// Reads a small JSON response of the ChatGPT backend or the API.
    pub(super) async fn get_json<T: Document>(
        &self,
        lease: Option<Lease>,
        service: Service,
        path: &'static str,
        query: Vec<(&'static str, String)>,
        deadline: Instant,
    ) -> Result<T, BackendError> {
        let call = Call {
            query,
            ..Call::get(service, path, deadline)
        };
        Ok(self.read_json(&call, lease).await?.0)
    }

    /// Makes a call with a small JSON response, and returns it with the account of the call, if it
    /// carried the credential in force.
    pub(super) async fn read_json<T: Document>(
        &self,
        call: &Call<'_>,
        lease: Option<Lease>,
    ) -> Result<(T, Option<AccountIdentity>), BackendError> {
        let signed_out = signed_out(lease.as_ref());
        let answer = self.send(call, lease, &|_| true).await?;
        // A separate future, so that a queued call stays small.
        let body = Box::pin(json(answer.response, self.rooms.own.part()));
        tokio::select! {
            body = tokio::time::timeout_at(answer.deadline, body) => {
                let body = body.map_err(|_| BackendError::Timeout)??;
                Ok((body, answer.account))
            }
            () = signed_out => Err(BackendError::SignedOut),
        }
    }
}
