//! Locked memory (mlock) for stored secrets, which may live for hours.
//!
//! Each secret has pages of its own that are never swapped out, so that freeing one does not unlock
//! another. It is stored as the header value in which it is sent: a header in flight shares these
//! bytes instead of copying them. Transient secrets are in ordinary memory; see
//! docs/decisions/0016.

use std::ops::DerefMut;
use std::sync::{Arc, Once};

use byokey_protocol::secret::{Memory, Secret};
use bytes::Bytes;
use http::HeaderValue;
use http::header::InvalidHeaderValue;

use super::wipe::wipe;

/// The text before a secret in its header.
const SCHEME: &str = "Bearer ";

/// Memory for a secret.
type Pages = Box<dyn DerefMut<Target = [u8]> + Send + Sync>;

/// A header's value. It is wiped on the last drop.
struct HeaderBytes(Pages);

/// A stored secret, shared with the requests that send it.
struct Locked(Arc<HeaderBytes>);

/// Moves a secret to locked memory (mlock). Where the system refuses, the secret may be swapped
/// out; this is logged once.
pub fn lock_in_memory(secret: Secret) -> Secret {
    if secret.memory::<Locked>().is_some() {
        return secret;
    }
    // EXPOSE: this is the header in which the secret is sent.
    secret.moved(|value| {
        let mut pages = allocate(SCHEME.len() + value.len());
        let (scheme, rest) = pages.split_at_mut(SCHEME.len());
        scheme.copy_from_slice(SCHEME.as_bytes());
        rest.copy_from_slice(value.as_bytes());
        Box::new(Locked(Arc::new(HeaderBytes(pages))))
    })
}

/// Returns the header in which a secret is sent, marked as sensitive so that it is neither logged
/// nor indexed. A secret in locked memory is not copied.
///
/// # Errors
///
/// [`InvalidHeaderValue`] when the secret contains characters that are invalid in a header.
pub fn header(secret: &Secret) -> Result<HeaderValue, InvalidHeaderValue> {
    let Some(locked) = secret.memory::<Locked>() else {
        return header(&lock_in_memory(secret.duplicate()));
    };
    let shared = Bytes::from_owner(Locked(Arc::clone(&locked.0)));
    let mut value = HeaderValue::from_maybe_shared(shared)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns whether mlock works for this process now; `None` on systems without it.
pub fn is_locked() -> Option<bool> {
    cfg!(unix).then(|| platform::locked(1).is_some())
}

fn allocate(length: usize) -> Pages {
    platform::locked(length).unwrap_or_else(|| {
        if cfg!(unix) {
            warn_once();
        }
        Box::new(vec![0; length])
    })
}

fn warn_once() {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            "the system does not lock memory for this process, so tokens may be written to swap; \
             raise its limit (ulimit -l, RLIMIT_MEMLOCK), or encrypt the swap"
        );
    });
}

impl Memory for Locked {
    fn value(&self) -> &str {
        let value = self.as_ref().get(SCHEME.len()..).unwrap_or_default();
        // It was written as a string.
        str::from_utf8(value).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Locked {
    fn as_ref(&self) -> &[u8] {
        &self.0.0
    }
}

impl Drop for HeaderBytes {
    /// Wipes the pages: freeing unlocks them, but does not wipe.
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

#[cfg(unix)]
mod platform {
    use memmap2::MmapMut;

    use super::Pages;

    /// Maps pages of their own and locks them (mlock) before anything is written.
    pub(super) fn locked(length: usize) -> Option<Pages> {
        let pages = MmapMut::map_anon(length).ok()?;
        pages.lock().ok()?;
        Some(Box::new(pages))
    }
}

#[cfg(not(unix))]
mod platform {
    use super::Pages;

    pub(super) fn locked(_: usize) -> Option<Pages> {
        None
    }
}

#[cfg(test)]
mod tests {
    use byokey_protocol::secret::Secret;

    use super::{header, lock_in_memory};

    #[test]
    fn a_locked_secret_reads_as_before_and_shares_its_header() {
        let secret = lock_in_memory(Secret::from("made-up-value"));
        let place = |bytes: &[u8]| bytes.as_ptr_range().end;
        let end = place(secret.expose().as_bytes());
        let header_value = header(&secret).unwrap();
        assert_eq!(secret.expose(), "made-up-value");
        assert_eq!(header_value, "Bearer made-up-value");
        assert!(header_value.is_sensitive());
        assert_eq!(place(header_value.as_bytes()), end, "one place for both");
        let secret = lock_in_memory(secret);
        assert_eq!(
            place(secret.expose().as_bytes()),
            end,
            "it is not moved again"
        );
        drop(secret);
        assert_eq!(
            header_value, "Bearer made-up-value",
            "as long as it is sent"
        );
    }

    #[test]
    fn a_secret_in_ordinary_memory_has_a_header_too() {
        let header_of = |value: &str| header(&Secret::from(value));
        assert_eq!(header_of("made-up-value").unwrap(), "Bearer made-up-value");
        assert!(header_of("made\nup").is_err());
    }
}
