//! Admission as set on the command line: codex's flags, with codex's texts.

use std::path::{Path, PathBuf};

use super::bearer::BearerRule;
use super::secret_file::{self, SecretFileError};
use super::signed::{DEFAULT_CLOCK_SKEW, SignedBearers};

/// How clients authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// With one fixed token.
    CapabilityToken,
    /// With a token signed for them.
    SignedBearerToken,
}

/// The values of the flags.
#[derive(Clone, Debug, Default)]
pub struct AuthSettings {
    /// `--ws-auth`.
    pub mode: Option<AuthMode>,
    /// `--ws-token-file`.
    pub token_file: Option<PathBuf>,
    /// `--ws-token-sha256`.
    pub token_sha256: Option<String>,
    /// `--ws-shared-secret-file`.
    pub shared_secret_file: Option<PathBuf>,
    /// `--ws-issuer`.
    pub issuer: Option<String>,
    /// `--ws-audience`.
    pub audience: Option<String>,
    /// `--ws-max-clock-skew-seconds`.
    pub max_clock_skew_seconds: Option<u64>,
}

/// Why the flags form no rule.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Flags of a mode without a mode.
    #[error(
        "websocket auth flags require `--ws-auth capability-token` or `--ws-auth \
         signed-bearer-token`"
    )]
    NoMode,
    /// Flags of the other mode.
    #[error(
        "`--ws-shared-secret-file`, `--ws-issuer`, `--ws-audience`, and \
         `--ws-max-clock-skew-seconds` require `--ws-auth signed-bearer-token`"
    )]
    NeedsSigned,
    /// Flags of the other mode.
    #[error(
        "`--ws-token-file` and `--ws-token-sha256` require `--ws-auth capability-token`, not \
         `signed-bearer-token`"
    )]
    NeedsCapability,
    /// Two tokens.
    #[error("`--ws-token-file` and `--ws-token-sha256` are mutually exclusive")]
    TwoTokens,
    /// No token.
    #[error(
        "`--ws-token-file` or `--ws-token-sha256` is required when `--ws-auth capability-token` \
         is set"
    )]
    NoToken,
    /// No secret.
    #[error("`--ws-shared-secret-file` is required when `--ws-auth signed-bearer-token` is set")]
    NoSecret,
    /// A relative path, which would depend on the working directory.
    #[error("{0} must be an absolute path")]
    RelativePath(&'static str),
    /// Not a digest.
    #[error("--ws-token-sha256 must be a 64-character hex SHA-256 digest")]
    Digest,
    /// Beyond the range of the clock.
    #[error("websocket auth clock skew must fit in a signed 64-bit integer")]
    ClockSkew,
    /// The secret file cannot be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
}

impl AuthSettings {
    /// Returns the rule that the flags form; `None` without flags.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] states the remedy.
    pub fn rule(self) -> Result<Option<BearerRule>, SettingsError> {
        let capability = self.token_file.is_some() || self.token_sha256.is_some();
        let signed = self.shared_secret_file.is_some()
            || self.issuer.is_some()
            || self.audience.is_some()
            || self.max_clock_skew_seconds.is_some();
        match self.mode {
            None if capability || signed => Err(SettingsError::NoMode),
            None => Ok(None),
            Some(AuthMode::CapabilityToken) if signed => Err(SettingsError::NeedsSigned),
            Some(AuthMode::CapabilityToken) => self.capability().map(Some),
            Some(AuthMode::SignedBearerToken) if capability => Err(SettingsError::NeedsCapability),
            Some(AuthMode::SignedBearerToken) => self.signed().map(Some),
        }
    }

    fn capability(self) -> Result<BearerRule, SettingsError> {
        match (self.token_file, self.token_sha256) {
            (Some(_), Some(_)) => Err(SettingsError::TwoTokens),
            (None, None) => Err(SettingsError::NoToken),
            (Some(file), None) => {
                absolute("--ws-token-file", &file)?;
                let token = secret_file::read("websocket auth secret", &file)?;
                Ok(BearerRule::capability(&token))
            }
            (None, Some(hex)) => {
                let digest = digest(hex.trim()).ok_or(SettingsError::Digest)?;
                Ok(BearerRule::Capability(digest.into()))
            }
        }
    }

    fn signed(self) -> Result<BearerRule, SettingsError> {
        let file = self.shared_secret_file.ok_or(SettingsError::NoSecret)?;
        absolute("--ws-shared-secret-file", &file)?;
        let secret = secret_file::read("signed websocket bearer secret", &file)?;
        let clock_skew = match self.max_clock_skew_seconds {
            None => DEFAULT_CLOCK_SKEW,
            Some(seconds) => i64::try_from(seconds).map_err(|_| SettingsError::ClockSkew)?,
        };
        Ok(BearerRule::Signed(SignedBearers {
            secret,
            issuer: self.issuer.and_then(trimmed),
            audience: self.audience.and_then(trimmed),
            clock_skew,
        }))
    }
}

fn absolute(flag: &'static str, path: &Path) -> Result<(), SettingsError> {
    if path.is_absolute() {
        Ok(())
    } else {
        Err(SettingsError::RelativePath(flag))
    }
}

/// Trims a value; `None` if it is blank.
fn trimmed(text: String) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hex.len() != 2 * digest.len() || !hex.is_ascii() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let mut digits = pair.iter().map(|digit| char::from(*digit).to_digit(16));
        let value = digits.try_fold(0, |value, digit| Some(value << 4 | digit?))?;
        *byte = u8::try_from(value).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::{AuthMode, AuthSettings, BearerRule, digest};

    fn refusal(settings: AuthSettings) -> String {
        settings.rule().unwrap_err().to_string()
    }

    #[test]
    fn a_digest_is_sixty_four_hexadecimal_digits() {
        let hex = "00ff".to_owned() + &"aB".repeat(30);
        let bytes = digest(&hex).unwrap();
        assert_eq!(bytes[..3], [0, 0xff, 0xab]);
        for bad in [hex.get(1..).unwrap(), &"g".repeat(64), &"é".repeat(32), ""] {
            assert_eq!(digest(bad), None, "{bad}");
        }
    }

    #[test]
    fn flags_go_with_their_mode() {
        let capability = AuthSettings {
            mode: Some(AuthMode::CapabilityToken),
            ..AuthSettings::default()
        };
        let signed = AuthSettings {
            mode: Some(AuthMode::SignedBearerToken),
            ..AuthSettings::default()
        };
        assert!(AuthSettings::default().rule().unwrap().is_none());
        assert!(refusal(capability.clone()).ends_with("capability-token` is set"));
        assert!(refusal(signed.clone()).starts_with("`--ws-shared-secret-file` is required"));
        let hash = Some("ab".repeat(32));
        let with_hash = AuthSettings {
            token_sha256: hash.clone(),
            ..capability.clone()
        };
        let rule = with_hash.clone().rule().unwrap().unwrap();
        assert!(matches!(rule, BearerRule::Capability(_)));
        assert_eq!(
            refusal(AuthSettings {
                token_file: Some("/made/up".into()),
                ..with_hash.clone()
            }),
            "`--ws-token-file` and `--ws-token-sha256` are mutually exclusive"
        );
        assert!(
            refusal(AuthSettings {
                issuer: Some("issuer".to_owned()),
                ..with_hash
            })
            .starts_with("`--ws-shared-secret-file`, `--ws-issuer`")
        );
        assert!(
            refusal(AuthSettings {
                token_sha256: hash,
                ..signed.clone()
            })
            .ends_with("not `signed-bearer-token`")
        );
        assert_eq!(
            refusal(AuthSettings {
                token_file: Some("relative".into()),
                ..capability
            }),
            "--ws-token-file must be an absolute path"
        );
        assert!(
            refusal(AuthSettings {
                audience: Some("audience".to_owned()),
                ..AuthSettings::default()
            })
            .starts_with("websocket auth flags require")
        );
    }
}
