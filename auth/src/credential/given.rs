//! Normalises tokens and keys as users and programs pass them: with a trailing line break, with the
//! quotes of a shell variable, or with the scheme of the header they were copied from.

use byokey_protocol::secret::Secret;

use super::InvalidCredential;
use crate::claims::InvalidToken;
use crate::identifier::{is_bearer, is_header_value};

/// The scheme of RFC 6750, in any case.
const SCHEME: &str = "bearer";

/// The kind of token or key that was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An API key.
    ApiKey,
    /// An access token of a ChatGPT account.
    AccessToken,
    /// A personal access token.
    Personal,
    /// An id token.
    IdToken,
    /// A refresh token.
    RefreshToken,
    /// A bearer token for the configured provider.
    Bearer,
}

impl TokenKind {
    /// Returns the name of the member that carries it.
    #[must_use]
    pub const fn member(self) -> &'static str {
        match self {
            Self::ApiKey => "apiKey",
            Self::AccessToken | Self::Personal => "accessToken",
            Self::IdToken => "idToken",
            Self::RefreshToken => "refreshToken",
            Self::Bearer => "token",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "API key",
            Self::AccessToken | Self::Personal => "access token",
            Self::IdToken => "id token",
            Self::RefreshToken => "refresh token",
            Self::Bearer => "bearer token",
        }
    }
}

impl std::fmt::Display for TokenKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the token without surrounding white space, if it can be sent. Every bearer enters here,
/// wherever it is from: a client, a setting, a variable, a file, a command or an issuer.
///
/// # Errors
///
/// As [`inner`].
pub(super) fn checked(token: Secret, kind: TokenKind) -> Result<Secret, InvalidCredential> {
    // EXPOSE: the result is a secret again.
    let text = token.expose();
    let inner = inner(text, kind)?;
    if inner.len() == text.len() {
        return Ok(token);
    }
    Ok(Secret::from(inner))
}

/// Returns the text of a token without surrounding white space and byte-order mark.
///
/// # Errors
///
/// [`InvalidCredential`] of its kind when it cannot be sent. [`InvalidCredential::Quoted`] and
/// [`InvalidCredential::WithScheme`]: the intention is clear, but a token is never changed by
/// guessing.
pub(super) fn inner(text: &str, kind: TokenKind) -> Result<&str, InvalidCredential> {
    let inner =
        text.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}');
    let is_quote = |character: char| matches!(character, '"' | '\'' | '`' | '“' | '”' | '‘' | '’');
    if inner.starts_with(is_quote) || inner.ends_with(is_quote) {
        return Err(InvalidCredential::Quoted(kind));
    }
    // Only the start is examined: to search a token for white space costs more than to parse it.
    let (start, rest) = inner.split_at_checked(SCHEME.len()).unwrap_or_default();
    let is_scheme = start.eq_ignore_ascii_case(SCHEME);
    if is_scheme
        && rest
            .trim_start_matches(':')
            .starts_with(char::is_whitespace)
    {
        return Err(InvalidCredential::WithScheme(kind));
    }
    let (is_sendable, refused) = match kind {
        TokenKind::ApiKey => (is_bearer(inner), InvalidCredential::ApiKey),
        TokenKind::AccessToken => (is_bearer(inner), InvalidToken.into()),
        TokenKind::Personal => (is_bearer(inner), InvalidCredential::PersonalAccessToken),
        TokenKind::Bearer => (is_header_value(inner), InvalidCredential::BearerToken),
        // No header carries them.
        TokenKind::IdToken | TokenKind::RefreshToken => return Ok(inner),
    };
    is_sendable.then_some(inner).ok_or(refused)
}

#[cfg(test)]
mod tests {
    use byokey_protocol::secret::Secret;

    use super::{InvalidCredential, TokenKind, checked};

    #[test]
    fn white_space_goes_and_quotes_and_schemes_are_refused() {
        let kind = TokenKind::Bearer;
        let (quoted, scheme) = (
            InvalidCredential::Quoted(kind),
            InvalidCredential::WithScheme(kind),
        );
        for (given, expected) in [
            ("a.b.c", Ok("a.b.c")),
            (" a.b.c", Ok("a.b.c")),
            ("\u{feff}a.b.c\r\n", Ok("a.b.c")),
            ("\ta.b.c\u{a0}\n\n", Ok("a.b.c")),
            ("a b", Ok("a b")),
            (" ", Err(InvalidCredential::BearerToken)),
            ("bearer", Ok("bearer")),
            ("bearers.b.c", Ok("bearers.b.c")),
            ("bearer:a.b.c", Ok("bearer:a.b.c")),
            ("béarer a", Err(InvalidCredential::BearerToken)),
            ("\"a.b.c\"", Err(quoted)),
            ("'a.b.c'\n", Err(quoted)),
            ("a.b.c\"", Err(quoted)),
            ("“a.b.c”", Err(quoted)),
            ("Bearer a.b.c", Err(scheme)),
            (" bearer\ta.b.c", Err(scheme)),
            ("BEARER: a.b.c", Err(scheme)),
        ] {
            let got = checked(Secret::from(given), kind);
            let got = got.as_ref().map(Secret::expose).map_err(|error| *error);
            assert_eq!(got, expected, "{given:?}");
        }
    }
}
