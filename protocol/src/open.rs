//! A value that a newer peer may extend.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A known value, or a newer peer's unknown one.
///
/// Writers use the names and `.into()`. Readers are not broken by a new name: it is
/// [`Open::Unknown`] and written back unchanged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Open<T> {
    /// A known value.
    Known(T),
    /// The raw unknown value.
    Unknown(Value),
}

impl<T> Open<T> {
    /// Returns the value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(known) => Some(known),
            Self::Unknown(_) => None,
        }
    }
}

impl<T> From<T> for Open<T> {
    fn from(known: T) -> Self {
        Self::Known(known)
    }
}

impl<T: PartialEq> PartialEq<T> for Open<T> {
    fn eq(&self, other: &T) -> bool {
        self.known() == Some(other)
    }
}

impl<T: fmt::Debug> fmt::Debug for Open<T> {
    /// Prints known values only: a peer's may contain a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(known) => known.fmt(f),
            Self::Unknown(_) => f.write_str("Unknown(..)"),
        }
    }
}

/// The schema lists the known values only, as that of `T` does.
#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Open<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::Open;
    use crate::account::{Account, AccountReadResult, AuthMode};

    #[test]
    fn names_are_known_and_the_rest_comes_back_unchanged() {
        let known: Open<AuthMode> = serde_json::from_str(r#""apikey""#).unwrap();
        assert_eq!(known, AuthMode::ApiKey);
        let new: Open<AuthMode> = serde_json::from_str(r#""somethingNew""#).unwrap();
        assert_eq!(new.known(), None);
        assert_eq!(serde_json::to_string(&new).unwrap(), r#""somethingNew""#);
    }

    #[test]
    fn what_has_no_name_is_not_shown() {
        let text =
            r#"{"account":{"shoe":44,"type":"new"},"userId":null,"requiresOpenaiAuth":true}"#;
        let result: AccountReadResult = serde_json::from_str(text).unwrap();
        assert!(!format!("{result:?}").contains("44"));
        assert_eq!(serde_json::to_string(&result).unwrap(), text);
        let text = r#"{"type":"chatgpt","email":null,"planType":"new","shoe":44}"#;
        let account: Open<Account> = serde_json::from_str(text).unwrap();
        let Open::Known(Account::Chatgpt { plan_type, .. }) = account else {
            panic!("a new plan is no new kind of account");
        };
        assert_eq!(plan_type, Open::Unknown("new".into()));
    }
}
