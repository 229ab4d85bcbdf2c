//! The account of a credential, without the credential.

use super::{ChatgptAccount, Credential, PeerId};

/// Identifies an account. It holds no secret, so it may outlive the credential.
#[derive(Clone, Debug)]
pub enum AccountIdentity {
    /// A ChatGPT account.
    Chatgpt {
        /// The workspace that calls are made for.
        id: Option<String>,
        /// The user, where the credential names one.
        user_id: Option<String>,
    },
    /// The account of an API key, identified by the SHA-256 digest of the key.
    ApiKey([u8; 32]),
    /// The account of a host's bearer token. Such a token is opaque, so only logins of one
    /// connection with the same origin and label are taken for the same account.
    Bearer {
        /// The recipient.
        origin: String,
        /// The name that the host gave.
        label: Option<String>,
        /// The connection that logged in.
        supplier: PeerId,
    },
}

impl AccountIdentity {
    /// Returns whether both are the same account, or both are none.
    #[must_use]
    pub fn are_same(one: Option<&Self>, other: Option<&Self>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => one.is_same(other),
            (None, None) => true,
            _ => false,
        }
    }

    /// Returns whether both are the same account. A user that only one of them names is not
    /// compared.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Chatgpt { id, user_id },
                Self::Chatgpt {
                    id: other_id,
                    user_id: other_user,
                },
            ) => id == other_id && !differ(user_id.as_ref(), other_user.as_ref()),
            (Self::ApiKey(digest), Self::ApiKey(other)) => digest == other,
            (
                Self::Bearer {
                    origin,
                    label,
                    supplier,
                },
                Self::Bearer {
                    origin: other_origin,
                    label: other_label,
                    supplier: other_supplier,
                },
            ) => origin == other_origin && label == other_label && supplier == other_supplier,
            _ => false,
        }
    }
}

impl ChatgptAccount {
    /// Returns whether both are the same user in the same workspace. A user that only one of them
    /// names is not compared.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.identity().is_same(&other.identity())
    }

    fn identity(&self) -> AccountIdentity {
        AccountIdentity::Chatgpt {
            id: self.id.clone(),
            user_id: self.user_id.clone(),
        }
    }
}

impl Credential {
    /// Returns the account of the credential.
    #[must_use]
    pub fn identity(&self) -> AccountIdentity {
        match self {
            Self::ApiKey(key) => AccountIdentity::ApiKey(key.digest()),
            Self::External(login) => login.account.identity(),
            Self::Managed(login) => login.account.identity(),
            Self::PersonalAccessToken(token) => token.account.identity(),
            Self::Bearer(login) => AccountIdentity::Bearer {
                origin: login.origin.clone(),
                label: login.label.clone(),
                supplier: login.supplier,
            },
        }
    }
}

/// Returns whether both are known and differ.
pub(crate) fn differ<T: PartialEq>(one: Option<&T>, two: Option<&T>) -> bool {
    matches!((one, two), (Some(one), Some(two)) if one != two)
}

#[cfg(test)]
mod tests {
    use byokey_protocol::secret::Secret;

    use super::super::{ApiKey, ChatgptAccount, Credential};

    #[test]
    fn accounts_are_distinguished_by_workspace_and_user() {
        let account = |id: &str, user: Option<&str>| ChatgptAccount {
            id: Some(id.to_owned()),
            user_id: user.map(str::to_owned),
            ..ChatgptAccount::default()
        };
        let ada = account("ws-1", Some("ada"));
        for (other, same) in [
            (account("ws-1", Some("ada")), true),
            (account("ws-1", None), true),
            (account("ws-1", Some("eve")), false),
            (account("ws-2", Some("ada")), false),
        ] {
            assert_eq!(ada.is_same(&other), same, "{other:?}");
            assert_eq!(other.is_same(&ada), same, "{other:?}");
        }
    }

    #[test]
    fn a_key_is_the_same_account_as_itself_only() {
        let key = |text| Credential::ApiKey(ApiKey::new(Secret::from(text)).unwrap()).identity();
        assert!(key("sk-made-up-1").is_same(&key("sk-made-up-1")));
        assert!(!key("sk-made-up-1").is_same(&key("sk-made-up-2")));
    }
}
