//! Parses parameters and locates errors in them without quoting them.

use byokey_protocol::error::{PARAMS_PROBLEMS, TOO_LARGE};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::RequestError;

/// Parses the parameters of a method. Absent and null mean an empty object.
pub(crate) fn parse<T: DeserializeOwned>(raw: Option<&RawValue>) -> Result<T, RequestError> {
    let text = match raw.map(RawValue::get) {
        None | Some("null") => "{}",
        Some(text) => text,
    };
    if !text.starts_with('{') {
        return Err(RequestError::invalid_params("", "must be an object"));
    }
    serde_json::from_str(text).map_err(|_| explain::<T>(text))
}

/// Parses them again to find the path of the error. serde's text may quote the input, so only texts
/// known to be fixed strings are examined.
#[cold]
fn explain<T: DeserializeOwned>(text: &str) -> RequestError {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut deserializer) else {
        return RequestError::invalid_params("", "cannot be read");
    };
    let path = match error.path().to_string() {
        root if root == "." => String::new(),
        path => path,
    };
    let said = error.inner().to_string();
    let own = PARAMS_PROBLEMS.iter().find(|own| said.starts_with(**own));
    if let Some((member, problem)) = own.and_then(|own| own.strip_prefix('`')?.split_once("` ")) {
        return RequestError::invalid_params(member, problem);
    }
    if said.starts_with(TOO_LARGE) {
        return RequestError::invalid_params(path, TOO_LARGE);
    }
    match (
        member(&said, "missing field `"),
        member(&said, "duplicate field `"),
    ) {
        (Some(missing), _) => RequestError::invalid_params(join(&path, missing), "is missing"),
        (_, Some(repeated)) => RequestError::invalid_params(join(&path, repeated), "is repeated"),
        _ => RequestError::invalid_params(path, "has the wrong type"),
    }
}

/// Extracts the name of one of our members from serde's text.
fn member<'a>(said: &'a str, begin: &str) -> Option<&'a str> {
    said.strip_prefix(begin)?.split('`').next()
}

fn join(path: &str, member: &str) -> String {
    if path.is_empty() || path.ends_with(member) {
        member.to_owned()
    } else {
        format!("{path}.{member}")
    }
}

#[cfg(test)]
mod tests {
    use byokey_protocol::initialize::InitializeParams;
    use byokey_protocol::login::LoginStartParams;
    use serde_json::value::RawValue;

    use super::parse;

    fn problem<T: serde::de::DeserializeOwned + std::fmt::Debug>(params: &str) -> String {
        let raw = RawValue::from_string(params.to_owned()).unwrap();
        let error = parse::<T>(Some(&raw)).unwrap_err().into_object();
        assert_eq!(error.code(), -32602);
        format!("{} {}", error.message(), error.data().unwrap().get())
    }

    #[test]
    fn the_place_is_named_and_the_value_is_not() {
        let initialize = problem::<InitializeParams>;
        assert!(initialize("{}").contains("`clientInfo` is missing"));
        assert!(
            initialize(r#"{"clientInfo":{"name":"n"}}"#)
                .contains("`clientInfo.version` is missing")
        );
        let wrong = initialize(r#"{"clientInfo":{"name":"n","version":"v"},"processId":"CANARY"}"#);
        assert!(wrong.contains("`processId` has the wrong type"), "{wrong}");
        assert!(!wrong.contains("CANARY"));
        assert!(initialize("[]").contains("`params` must be an object"));

        let login = problem::<LoginStartParams>;
        assert!(login("{}").contains("`type` is missing"));
        assert!(login(r#"{"type":"apiKey"}"#).contains("`apiKey` is missing"));
        let unknown = login(r#"{"type":"CANARY"}"#);
        assert!(unknown.contains("`type` must be one of"), "{unknown}");
        assert!(!unknown.contains("CANARY"));
        let wrong = login(r#"{"type":"apiKey","apiKey":{"CANARY":1}}"#);
        assert!(wrong.contains("`apiKey` has the wrong type"), "{wrong}");
        assert!(!wrong.contains("CANARY"));
    }

    #[test]
    fn absent_null_and_empty_mean_the_same() {
        use byokey_protocol::account::AccountReadParams;
        let null = RawValue::from_string("null".into()).unwrap();
        assert!(!parse::<AccountReadParams>(None).unwrap().refresh_token);
        assert!(
            !parse::<AccountReadParams>(Some(&null))
                .unwrap()
                .refresh_token
        );
        let null_member = RawValue::from_string(r#"{"refreshToken":null}"#.into()).unwrap();
        assert!(
            !parse::<AccountReadParams>(Some(&null_member))
                .unwrap()
                .refresh_token
        );
    }
}
