//! Unguessable values: the PKCE verifier and challenge (RFC 7636) and the CSRF state.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_protocol::secret::Secret;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::failure::StartFailure;
use byokey_base::memory::wiped_after;

/// Generates a PKCE verifier of 86 characters.
pub(super) fn verifier() -> Result<Secret, StartFailure> {
    random::<64>()
}

/// Generates a CSRF state of 256 bits.
pub(super) fn state() -> Result<Secret, StartFailure> {
    random::<32>()
}

/// Returns the PKCE challenge of a verifier, by the method `S256`.
pub(super) fn challenge(verifier: &Secret) -> String {
    // Hashing leaves the last block of its input on the stack.
    let digest = wiped_after(|| digest(&SHA256, verifier.expose().as_bytes()));
    URL_SAFE_NO_PAD.encode(digest)
}

/// Compares a secret with a given value. The comparison is constant-time.
pub(super) fn matches(expected: &Secret, given: &str) -> bool {
    expected.expose().as_bytes().ct_eq(given.as_bytes()).into()
}

fn random<const BYTES: usize>() -> Result<Secret, StartFailure> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    SystemRandom::new()
        .fill(&mut *bytes)
        .map_err(|_| StartFailure::NoRandomness)?;
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes));
    Ok(Secret::from(text.as_str()))
}

#[cfg(test)]
mod tests {
    use byokey_protocol::secret::Secret;

    use super::{challenge, matches, state, verifier};

    // Row: PKCE (RFC 7636)
    #[test]
    fn the_challenge_is_that_of_the_example_in_rfc_7636() {
        let verifier = Secret::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(
            challenge(&verifier),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    // Row: callback 6
    #[test]
    fn values_are_long_and_never_the_same() {
        let (one, two) = (verifier().unwrap(), verifier().unwrap());
        assert_eq!(one.len(), 86);
        assert_ne!(one.expose(), two.expose());
        assert_eq!(state().unwrap().len(), 43);
        assert!(matches(&one, one.expose()));
        assert!(!matches(&one, two.expose()));
        assert!(!matches(&one, ""));
    }
}
