//! The text of `auth.json`, codex's shape. Members that are not known here are kept.

use std::collections::BTreeMap;

use byokey_protocol::secret::Secret;
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use byokey_auth::{ManagedTokens, Saving, Stored};

type Members = BTreeMap<String, Box<RawValue>>;

/// Members that name a credential; each login replaces them all.
const OURS: [&str; 5] = [
    "auth_mode",
    "OPENAI_API_KEY",
    "tokens",
    "last_refresh",
    "personal_access_token",
];

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Content {
    /// A credential.
    Known(Stored),
    /// Nobody's.
    Empty,
    /// A credential of a kind that is not known here.
    Foreign,
    /// Nothing that can be read.
    Corrupt,
}

/// Reads the text of a file.
pub(crate) fn read(text: &[u8]) -> Content {
    read_members(text).unwrap_or(Content::Corrupt)
}

fn read_members(text: &[u8]) -> Option<Content> {
    let members: Members = serde_json::from_slice(text).ok()?;
    let mode: Option<String> = member(&members, "auth_mode")?;
    let api_key: Option<Secret> = member(&members, "OPENAI_API_KEY")?;
    let personal: Option<Secret> = member(&members, "personal_access_token")?;
    let has_other = ["agent_identity", "bedrock_api_key", "bedrock_access_keys"]
        .iter()
        .any(|name| {
            members
                .get(*name)
                .is_some_and(|value| value.get() != "null")
        });
    Some(match (mode.as_deref(), personal, api_key) {
        (None, Some(token), _) => Content::Known(Stored::PersonalAccessToken(token)),
        (None, None, _) if has_other => Content::Foreign,
        (None | Some("apikey"), None, Some(key)) => Content::Known(Stored::ApiKey(key)),
        (None | Some("chatgpt"), _, _) => match read_tokens(&members)? {
            Some(tokens) => Content::Known(Stored::Managed(tokens)),
            None => Content::Empty,
        },
        (Some("apikey"), _, _) => Content::Empty,
        _ => Content::Foreign,
    })
}

fn read_tokens(members: &Members) -> Option<Option<ManagedTokens>> {
    let Some(inner) = member::<Members>(members, "tokens")? else {
        return Some(None);
    };
    let obtained_at = member::<String>(members, "last_refresh")?
        .and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok())
        .map(OffsetDateTime::unix_timestamp);
    Some(Some(ManagedTokens {
        id_token: member(&inner, "id_token")??,
        access_token: member(&inner, "access_token")??,
        refresh_token: member::<Secret>(&inner, "refresh_token")?.filter(|token| !token.is_empty()),
        account_id: member(&inner, "account_id")?,
        obtained_at,
    }))
}

/// A member; none if it is absent or null. The outer none says that it has another type.
fn member<T: serde::de::DeserializeOwned>(members: &Members, name: &str) -> Option<Option<T>> {
    members
        .get(name)
        .map_or(Some(None), |value| serde_json::from_str(value.get()).ok())
}

/// The text of a file that holds this credential in place of the one it held.
pub(crate) fn write(
    previous: Option<&[u8]>,
    stored: &Stored,
    saving: Saving,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut members: Members = match previous {
        Some(text) => serde_json::from_slice(text).ok()?,
        None => Members::new(),
    };
    // What codex keeps beside its tokens, such as a key of its own and who granted them.
    let (mut beside, mut key) = (Members::new(), None);
    if saving == Saving::Renewal {
        beside = member(&members, "tokens")?.unwrap_or_default();
        key = members.remove("OPENAI_API_KEY");
    }
    for name in OURS {
        members.remove(name);
    }
    // EXPOSE: a store is what the user chose to have secrets written to.
    match stored {
        Stored::ApiKey(key) => {
            put(&mut members, "auth_mode", &"apikey")?;
            put(&mut members, "OPENAI_API_KEY", &key.expose())?;
        }
        Stored::PersonalAccessToken(token) => {
            put(&mut members, "OPENAI_API_KEY", &())?;
            put(&mut members, "personal_access_token", &token.expose())?;
        }
        Stored::Managed(tokens) => {
            put(&mut members, "auth_mode", &"chatgpt")?;
            match key {
                Some(key) => drop(members.insert("OPENAI_API_KEY".to_owned(), key)),
                None => put(&mut members, "OPENAI_API_KEY", &())?,
            }
            put(&mut members, "tokens", &with_tokens(beside, tokens)?)?;
            if let Some(at) = tokens.obtained_at {
                let at = OffsetDateTime::from_unix_timestamp(at).ok()?;
                put(&mut members, "last_refresh", &at.format(&Rfc3339).ok()?)?;
            }
        }
    }
    let mut text = Zeroizing::new(Vec::with_capacity(32 * 1024));
    serde_json::to_writer_pretty(&mut *text, &members).ok()?;
    text.push(b'\n');
    Some(text)
}

fn with_tokens(mut inner: Members, tokens: &ManagedTokens) -> Option<Members> {
    put(&mut inner, "id_token", &tokens.id_token.expose())?;
    put(&mut inner, "access_token", &tokens.access_token.expose())?;
    let refresh_token = tokens.refresh_token.as_ref();
    // Codex requires the member; a login without one has it empty.
    let refresh_token = refresh_token.map_or("", Secret::expose);
    put(&mut inner, "refresh_token", &refresh_token)?;
    put(&mut inner, "account_id", &tokens.account_id)?;
    Some(inner)
}

fn put(members: &mut Members, name: &str, value: &impl Serialize) -> Option<()> {
    let value = serde_json::value::to_raw_value(value).ok()?;
    members.insert(name.to_owned(), value);
    Some(())
}

#[cfg(test)]
mod tests {
    use byokey_protocol::secret::Secret;
    use serde_json::{Value, json};

    use super::{Content, read, write};
    use byokey_auth::{ManagedTokens, Saving, Stored};

    fn text(value: &Value) -> Vec<u8> {
        value.to_string().into_bytes()
    }

    fn codexs() -> Value {
        json!({
            "auth_mode": "chatgpt", "OPENAI_API_KEY": "sk-made-up",
            "tokens": {
                "id_token": "id-made-up", "access_token": "access-made-up",
                "refresh_token": "rt-made-up", "account_id": "ws-1", "future": [1],
            },
            "last_refresh": "2026-02-01T12:00:00.123456789Z",
            "future": {"a": 1},
        })
    }

    fn managed(content: Content) -> ManagedTokens {
        match content {
            Content::Known(Stored::Managed(tokens)) => tokens,
            other => panic!("no login: {other:?}"),
        }
    }

    #[test]
    fn a_renewal_keeps_what_is_not_known_here() {
        let mut tokens = managed(read(&text(&codexs())));
        assert_eq!(tokens.obtained_at, Some(1_769_947_200));
        tokens.refresh_token = Some(Secret::from("rt-next"));
        let kept = Stored::Managed(tokens);
        let written = write(Some(&text(&codexs())), &kept, Saving::Renewal).unwrap();
        let mut expected = codexs();
        expected["tokens"]["refresh_token"] = "rt-next".into();
        expected["last_refresh"] = "2026-02-01T12:00:00Z".into();
        let written: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(written, expected);
    }

    #[test]
    fn what_belongs_to_an_earlier_login_does_not_outlive_it() {
        let tokens = managed(read(&text(&codexs())));
        let kept = Stored::Managed(tokens);
        let written = write(Some(&text(&codexs())), &kept, Saving::Login).unwrap();
        let written: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(written["OPENAI_API_KEY"], Value::Null);
        assert!(written["tokens"].get("future").is_none());
        assert_eq!(written["tokens"]["refresh_token"], "rt-made-up");
        assert_eq!(written["future"], json!({"a": 1}), "this one is nobody's");
    }

    #[test]
    fn each_kind_has_codexs_shape() {
        let written = |stored| -> Value {
            serde_json::from_slice(&write(Some(&text(&codexs())), &stored, Saving::Login).unwrap())
                .unwrap()
        };
        assert_eq!(
            written(Stored::ApiKey(Secret::from("sk-new"))),
            json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-new", "future": {"a": 1}})
        );
        assert_eq!(
            written(Stored::PersonalAccessToken(Secret::from("at-new"))),
            json!({
                "OPENAI_API_KEY": null, "personal_access_token": "at-new", "future": {"a": 1},
            })
        );
    }

    #[test]
    fn the_mode_is_inferred_where_it_is_absent() {
        let known = |value| read(&text(&value));
        assert!(matches!(
            known(json!({"OPENAI_API_KEY": null, "personal_access_token": "at-x"})),
            Content::Known(Stored::PersonalAccessToken(_))
        ));
        assert!(matches!(
            known(json!({"OPENAI_API_KEY": "sk-x"})),
            Content::Known(Stored::ApiKey(_))
        ));
        let mut older = codexs();
        older.as_object_mut().unwrap().remove("auth_mode");
        older["OPENAI_API_KEY"] = Value::Null;
        assert!(matches!(known(older), Content::Known(Stored::Managed(_))));
        assert!(matches!(known(json!({})), Content::Empty));
        assert!(matches!(
            known(json!({"auth_mode": "agentIdentity", "agent_identity": "x"})),
            Content::Foreign
        ));
        for corrupt in [
            "",
            "{",
            "[]",
            "null",
            r#"{"auth_mode":1}"#,
            r#"{"tokens":{}}"#,
        ] {
            assert!(
                matches!(read(corrupt.as_bytes()), Content::Corrupt),
                "{corrupt}"
            );
        }
        assert!(
            write(
                Some(b"{"),
                &Stored::ApiKey(Secret::from("sk-x")),
                Saving::Login
            )
            .is_none()
        );
    }
}
