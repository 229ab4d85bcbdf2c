//! Trusted certificate authorities: the system's, and in addition those of `CODEX_CA_CERTIFICATE`,
//! `SSL_CERT_FILE` and `SSL_CERT_DIR`.
//!
//! The first of these variables that is set must be usable; an unusable later one is skipped with a
//! warning, because codex would not read it.

mod file;
mod pem;
#[cfg(all(unix, not(target_vendor = "apple")))]
#[path = "bundle.rs"]
mod system;
#[cfg(any(windows, target_vendor = "apple"))]
#[path = "platform.rs"]
mod system;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use byokey_base::os_cause::OsCause;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;

const CODEX_CA_CERTIFICATE: &str = "CODEX_CA_CERTIFICATE";
const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
const SSL_CERT_DIR: &str = "SSL_CERT_DIR";

/// Sources of certificate authorities besides the system.
#[derive(Clone, Debug, Default)]
pub struct RootSettings {
    sources: Vec<Source>,
}

#[derive(Clone, Debug)]
struct Source {
    variable: &'static str,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    /// At least one of them must be readable.
    Folders(Vec<PathBuf>),
}

/// Why no certificate can be verified. Unencrypted requests are not affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootsFailure {
    /// A variable names an unusable file or folder.
    Unusable {
        /// The variable.
        variable: &'static str,
        /// Why it is unusable.
        problem: Problem,
    },
    /// The system has none, and no variable adds any.
    NoneAtAll,
    /// The system's certificate verifier is not available.
    System,
}

/// Why a file or folder of certificates is unusable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It cannot be opened or read.
    Unreadable(OsCause),
    /// It is a folder, a pipe or a device.
    NotAFile,
    /// It is not a folder.
    NotAFolder,
    /// It is longer than the limit.
    TooLong,
    /// It contains no certificate.
    Empty,
    /// None of its certificates can be parsed.
    Malformed,
}

/// TLS with these certificate authorities, and their source.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) tls: ClientConfig,
    pub(crate) origin: String,
}

impl RootSettings {
    /// Reads the environment variables. Blank counts as unset.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let named = |name| variable(name).filter(|value| !is_blank(value));
        let file = |name| {
            let place = Place::File(PathBuf::from(named(name)?));
            Some(Source {
                variable: name,
                place,
            })
        };
        let folders = named(SSL_CERT_DIR).map(|value| Source {
            variable: SSL_CERT_DIR,
            place: Place::Folders(
                std::env::split_paths(&value)
                    .filter(|path| !path.as_os_str().is_empty())
                    .collect(),
            ),
        });
        let files = [file(CODEX_CA_CERTIFICATE), file(SSL_CERT_FILE)];
        Self {
            sources: files.into_iter().flatten().chain(folders).collect(),
        }
    }

    /// Loads the certificate authorities, and describes where they come from.
    ///
    /// # Errors
    ///
    /// When no certificate can be verified.
    pub fn examine(&self) -> Result<String, RootsFailure> {
        self.load().map(|loaded| loaded.origin)
    }

    /// Loads the certificate authorities.
    pub(crate) fn load(&self) -> Result<Loaded, RootsFailure> {
        let mut added = Vec::new();
        let mut used = Vec::new();
        let mut left_out = Vec::new();
        for Source { variable, place } in &self.sources {
            match place.read() {
                Ok((certificates, skipped)) => {
                    if skipped > 0 {
                        tracing::warn!(
                            "{variable}: {skipped} certificates that cannot be read are left out"
                        );
                    }
                    added.extend(certificates);
                    used.push(*variable);
                }
                Err(problem) if used.is_empty() && left_out.is_empty() => {
                    return Err(RootsFailure::Unusable { variable, problem });
                }
                Err(problem) => {
                    tracing::warn!("{variable}: {problem}; it is left out");
                    left_out.push(format!("{variable} was left out: {problem}"));
                }
            }
        }
        let (tls, of_system) = system::tls(added)?;
        Ok(Loaded {
            tls,
            origin: describe(of_system, &used, &left_out),
        })
    }
}

impl Place {
    /// Returns the certificates, and how many could not be parsed.
    fn read(&self) -> Result<(Vec<CertificateDer<'static>>, usize), Problem> {
        match self {
            Self::File(path) => pem::certificates(&file::read(path)?).all_or_problem(),
            Self::Folders(paths) => {
                let mut found = Vec::new();
                let mut problem = Problem::Empty;
                let mut readable = 0;
                for path in paths {
                    match file::read_folder(path) {
                        Ok(files) => {
                            readable += 1;
                            let files = files.iter().map(|bytes| pem::certificates(bytes));
                            found.extend(files.flat_map(|read| read.certificates));
                        }
                        Err(why) => problem = why,
                    }
                }
                found.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
                found.dedup();
                // An empty folder is not an error: tools set the variable unconditionally.
                (readable > 0).then_some((found, 0)).ok_or(problem)
            }
        }
    }
}

/// Returns TLS without certificate authorities, for unencrypted requests.
pub(crate) fn no_tls() -> Result<ClientConfig, RootsFailure> {
    Ok(builder()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, RootsFailure> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| RootsFailure::System)
}

fn describe(of_system: usize, used: &[&str], left_out: &[String]) -> String {
    let mut text = match (of_system, used) {
        (0, used) => format!("those of {}; the system has none", used.join(" and ")),
        (_, []) => {
            "those of the system; CODEX_CA_CERTIFICATE or SSL_CERT_FILE add a PEM file".to_owned()
        }
        (_, used) => format!("those of the system and of {}", used.join(" and ")),
    };
    for why in left_out {
        text.push_str("; ");
        text.push_str(why);
    }
    text
}

fn is_blank(value: &OsString) -> bool {
    value.to_str().is_some_and(|text| text.trim().is_empty())
}

impl RootsFailure {
    /// Returns the variable that is unusable, if one is.
    #[must_use]
    pub const fn variable(&self) -> Option<&'static str> {
        match self {
            Self::Unusable { variable, .. } => Some(variable),
            Self::NoneAtAll | Self::System => None,
        }
    }
}

impl fmt::Display for RootsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable { variable, problem } if *variable == SSL_CERT_DIR => write!(
                f,
                "{variable}: {problem}; it must name folders with PEM files of certificates"
            ),
            Self::Unusable { variable, problem } => write!(
                f,
                "{variable}: {problem}; it must name a PEM file with certificates \
                 (CODEX_CA_CERTIFICATE is read first, then SSL_CERT_FILE)"
            ),
            Self::NoneAtAll => f.write_str(
                "no certificate authorities were found on this machine, so no https:// server can \
                 be trusted; install the package ca-certificates, or name a PEM file in \
                 CODEX_CA_CERTIFICATE or SSL_CERT_FILE, or a folder of them in SSL_CERT_DIR",
            ),
            Self::System => f.write_str("TLS cannot be set up on this machine"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(cause) => write!(f, "the file cannot be read ({cause})"),
            Self::NotAFile => f.write_str("it is not a regular file"),
            Self::NotAFolder => f.write_str("it is not a folder"),
            Self::TooLong => write!(f, "the file is longer than {} MiB", file::MAX_FILE >> 20),
            Self::Empty => f.write_str("no certificates found in PEM file"),
            Self::Malformed => f.write_str("failed to parse PEM file"),
        }
    }
}
