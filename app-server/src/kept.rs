//! Secrets that stay, for hours at times.
//!
//! Each has pages of its own that are never written to swap, so that no other secret needs
//! counting when they are given back. It stands there in the words in which it is sent: a header
//! on its way shares them and holds no copy. What only passes through is in ordinary memory; see
//! docs/decisions/0016.

use std::ops::DerefMut;
use std::sync::{Arc, Once};

use byokey_protocol::secret::{Memory, Secret};
use bytes::Bytes;
use http::HeaderValue;
use http::header::InvalidHeaderValue;

use crate::wipe::wipe;

/// What stands before a secret in the header that it is sent in.
const SCHEME: &str = "Bearer ";

/// Room for a secret.
type Room = Box<dyn DerefMut<Target = [u8]> + Send + Sync>;

/// A header's words. They are wiped when nobody has them any more.
struct Words(Room);

/// A secret, and whoever sends it.
struct Kept(Arc<Words>);

/// Moves a secret to where it stays. Where the system does not lock memory, that may be written
/// to swap; the first time, the log tells.
pub(crate) fn keep(secret: Secret) -> Secret {
    if secret.memory::<Kept>().is_some() {
        return secret;
    }
    // EXPOSE: this is the header that the secret is for.
    secret.moved(|value| {
        let mut room = room(SCHEME.len() + value.len());
        let (scheme, rest) = room.split_at_mut(SCHEME.len());
        scheme.copy_from_slice(SCHEME.as_bytes());
        rest.copy_from_slice(value.as_bytes());
        Box::new(Kept(Arc::new(Words(room))))
    })
}

/// The header that a secret is sent in, marked so that nobody logs or indexes it. A secret that is
/// kept is not copied for it.
///
/// # Errors
///
/// [`InvalidHeaderValue`] when the secret holds what no header may.
pub(crate) fn header(secret: &Secret) -> Result<HeaderValue, InvalidHeaderValue> {
    let Some(kept) = secret.memory::<Kept>() else {
        return header(&keep(secret.duplicate()));
    };
    let shared = Bytes::from_owner(Kept(Arc::clone(&kept.0)));
    let mut value = HeaderValue::from_maybe_shared(shared)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether the system locks memory for this process now; none where it never does.
pub(crate) fn is_locked() -> Option<bool> {
    cfg!(unix).then(|| platform::locked(1).is_some())
}

fn room(length: usize) -> Room {
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

impl Memory for Kept {
    fn value(&self) -> &str {
        let value = self.as_ref().get(SCHEME.len()..).unwrap_or_default();
        // It was a string when it was written.
        str::from_utf8(value).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.0.0
    }
}

impl Drop for Words {
    /// The room is given back afterwards, which unlocks it and wipes nothing.
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

#[cfg(unix)]
mod platform {
    use memmap2::MmapMut;

    use super::Room;

    /// Locked pages that hold nothing else. Nothing is written before they are locked.
    pub(super) fn locked(length: usize) -> Option<Room> {
        let pages = MmapMut::map_anon(length).ok()?;
        pages.lock().ok()?;
        Some(Box::new(pages))
    }
}

#[cfg(not(unix))]
mod platform {
    use super::Room;

    pub(super) fn locked(_: usize) -> Option<Room> {
        None
    }
}

#[cfg(test)]
mod tests {
    use byokey_protocol::secret::Secret;

    use super::{header, keep};

    #[test]
    fn what_is_kept_reads_as_before_and_shares_its_header() {
        let secret = keep(Secret::from("made-up-value"));
        let place = |bytes: &[u8]| bytes.as_ptr_range().end;
        let end = place(secret.expose().as_bytes());
        let header_value = header(&secret).unwrap();
        assert_eq!(secret.expose(), "made-up-value");
        assert_eq!(header_value, "Bearer made-up-value");
        assert!(header_value.is_sensitive());
        assert_eq!(place(header_value.as_bytes()), end, "one place for both");
        let secret = keep(secret);
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
    fn what_is_not_kept_has_a_header_too() {
        let header_of = |value: &str| header(&Secret::from(value));
        assert_eq!(header_of("made-up-value").unwrap(), "Bearer made-up-value");
        assert!(header_of("made\nup").is_err());
    }
}
