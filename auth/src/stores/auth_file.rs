//! The format of `auth.json`, which is codex's. Unknown members are preserved.

mod encoding;
mod members;
#[cfg(test)]
mod tests;

use byokey_protocol::secret::Secret;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use self::encoding::decoded;
use self::members::Members;
use crate::{ManagedTokens, Saving, Stored};

/// Members that make up a credential; each login replaces them all.
const OURS: [&str; 5] = [
    "auth_mode",
    "OPENAI_API_KEY",
    "tokens",
    "last_refresh",
    "personal_access_token",
];

/// The content of a file.
#[derive(Debug)]
pub(crate) enum Content {
    /// A credential.
    Known(Stored),
    /// No credential.
    Empty,
    /// A credential of an unknown kind.
    Foreign,
    /// Invalid content.
    Corrupt,
}

/// Parses the text of a file. White space around a value is dropped, and a blank value is absent:
/// programs that switch between logins clear members in this way.
pub(crate) fn read(text: &[u8]) -> Content {
    read_text(text).unwrap_or(Content::Corrupt)
}

fn read_text(text: &[u8]) -> Option<Content> {
    match parse(text)? {
        Some(members) => read_members(&members),
        None => Some(Content::Empty),
    }
}

/// Returns the members; `Some(None)` for a blank file, `None` for invalid JSON and duplicate
/// members.
fn parse(text: &[u8]) -> Option<Option<Members>> {
    let text = decoded(text)?;
    if text.trim_ascii().is_empty() {
        return Some(None);
    }
    serde_json::from_slice(&text).ok().map(Some)
}

fn read_members(members: &Members) -> Option<Content> {
    let mode = members.get::<String>("auth_mode")?;
    let mode = mode
        .as_deref()
        .map(str::trim)
        .filter(|mode| !mode.is_empty());
    let api_key = members.secret("OPENAI_API_KEY")?;
    let personal = members.secret("personal_access_token")?;
    let has_other = ["agent_identity", "bedrock_api_key", "bedrock_access_keys"]
        .iter()
        .any(|name| members.has(name));
    Some(match (mode, personal, api_key) {
        (None, Some(token), _) => Content::Known(Stored::PersonalAccessToken(token)),
        (None, None, _) if has_other => Content::Foreign,
        (None | Some("apikey"), None, Some(key)) => Content::Known(Stored::ApiKey(key)),
        (None | Some("chatgpt"), _, _) => match read_tokens(members)? {
            Some(tokens) => Content::Known(Stored::Managed(tokens)),
            None => Content::Empty,
        },
        (Some("apikey"), _, _) => Content::Empty,
        _ => Content::Foreign,
    })
}

/// Returns the tokens, if there are any. An optional member of another type is absent.
fn read_tokens(members: &Members) -> Option<Option<ManagedTokens>> {
    let Some(inner) = members.get::<Members>("tokens")? else {
        return Some(None);
    };
    let tokens = (
        inner.secret("id_token")?,
        inner.secret("access_token")?,
        inner.secret("refresh_token")?,
    );
    let (id_token, access_token, refresh_token) = match tokens {
        (None, None, None) => return Some(None),
        (id_token, access_token, refresh_token) => (id_token?, access_token?, refresh_token),
    };
    let obtained_at = members
        .text("last_refresh")
        .and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok())
        .map(OffsetDateTime::unix_timestamp);
    Some(Some(ManagedTokens {
        id_token,
        access_token,
        refresh_token,
        account_id: inner.text("account_id"),
        obtained_at,
    }))
}

/// Returns the text of a file with its credential replaced by this one.
pub(crate) fn write(
    previous: Option<&[u8]>,
    stored: &Stored,
    saving: Saving,
) -> Option<Zeroizing<Vec<u8>>> {
    let previous = previous.map_or(Some(None), parse)?;
    let mut members = previous.unwrap_or_default();
    // codex's other members, such as its own key and the issuer of the tokens.
    let (mut beside, mut key) = (Members::default(), None);
    if saving == Saving::Renewal {
        beside = members.get("tokens")?.unwrap_or_default();
        key = members.remove("OPENAI_API_KEY");
    }
    for name in OURS {
        members.remove(name);
    }
    // EXPOSE: the user chose a store for secrets.
    match stored {
        Stored::ApiKey(key) => {
            members.put("auth_mode", &"apikey")?;
            members.put("OPENAI_API_KEY", &key.expose())?;
        }
        Stored::PersonalAccessToken(token) => {
            members.put("OPENAI_API_KEY", &())?;
            members.put("personal_access_token", &token.expose())?;
        }
        Stored::Managed(tokens) => {
            members.put("auth_mode", &"chatgpt")?;
            match key {
                Some(key) => members.insert("OPENAI_API_KEY", key),
                None => members.put("OPENAI_API_KEY", &())?,
            }
            members.put("tokens", &with_tokens(beside, tokens)?)?;
            if let Some(at) = tokens.obtained_at {
                let at = OffsetDateTime::from_unix_timestamp(at).ok()?;
                members.put("last_refresh", &at.format(&Rfc3339).ok()?)?;
            }
        }
    }
    let mut text = Zeroizing::new(Vec::with_capacity(32 * 1024));
    serde_json::to_writer_pretty(&mut *text, &members).ok()?;
    text.push(b'\n');
    Some(text)
}

fn with_tokens(mut inner: Members, tokens: &ManagedTokens) -> Option<Members> {
    inner.put("id_token", &tokens.id_token.expose())?;
    inner.put("access_token", &tokens.access_token.expose())?;
    let refresh_token = tokens.refresh_token.as_ref();
    // codex requires the member; a login without a refresh token has an empty one.
    let refresh_token = refresh_token.map_or("", Secret::expose);
    inner.put("refresh_token", &refresh_token)?;
    inner.put("account_id", &tokens.account_id)?;
    Some(inner)
}
