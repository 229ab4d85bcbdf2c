//! Authorization codes: each is valid once, for the program to which it was granted.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::fields::text;

/// Most pending codes. The oldest go first.
const MAX_CODES: usize = 64;

/// What a code was granted for.
pub(super) struct Grant {
    pub(super) challenge: String,
    pub(super) way: Way,
    /// The client id issued with the code, if the login is shared with an app.
    pub(super) shared_with: Option<String>,
}

/// How the code reaches the program.
pub(super) enum Way {
    /// By a redirect of the browser, to this URI of this client.
    Browser {
        redirect_uri: String,
        client_id: String,
    },
    /// In the response to a poll.
    Device,
}

impl Grant {
    /// Returns whether these fields come from the program to which the code was granted.
    fn is_for(&self, fields: &Value) -> bool {
        let given = text(fields, "redirect_uri");
        let is_same_way = match &self.way {
            Way::Browser {
                redirect_uri,
                client_id,
            } => {
                let client_id = self.shared_with.as_ref().unwrap_or(client_id);
                redirect_uri == given && client_id == text(fields, "client_id")
            }
            Way::Device => given.ends_with("/deviceauth/callback"),
        };
        is_same_way && self.challenge == challenge(text(fields, "code_verifier"))
    }
}

/// The pending codes.
#[derive(Default)]
pub(super) struct Codes(VecDeque<(String, Grant)>);

impl Codes {
    /// Adds a code.
    pub(super) fn add(&mut self, code: String, grant: Grant) {
        if self.0.len() == MAX_CODES {
            self.0.pop_front();
        }
        self.0.push_back((code, grant));
    }

    /// Returns the grant of the code in these fields, if they match. The code is spent in any case.
    pub(super) fn redeem(&mut self, fields: &Value) -> Option<Grant> {
        let code = text(fields, "code");
        let at = self.0.iter().position(|(known, _)| known == code)?;
        let (_, grant) = self.0.remove(at)?;
        grant.is_for(fields).then_some(grant)
    }
}

/// Returns the PKCE challenge of a verifier, by the method `S256` (RFC 7636 section 4.2).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}
