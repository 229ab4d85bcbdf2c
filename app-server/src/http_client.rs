//! The HTTP client, made on first use.
//!
//! Connections are not kept: hyper's buffers hold the request's headers as long as the
//! connection lives, and a token must not outlive its call. Redirects are not followed, so a
//! bearer never reaches an origin that the configuration does not name.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, Url};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a request had no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpFailure {
    /// No connection.
    #[error("cannot connect; check the network and the proxy settings")]
    Connect,
    /// The certificate of the server was not accepted.
    #[error("the server's certificate was not accepted (certificate authorities: {roots})")]
    Certificate {
        /// Where the certificate authorities come from.
        roots: String,
    },
    /// The file of certificate authorities is of no use.
    #[error(
        "{variable}: {problem}; it must name a PEM file with certificates (CODEX_CA_CERTIFICATE is read first, then SSL_CERT_FILE)"
    )]
    CaFile {
        /// The environment variable that names it.
        variable: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke off.
    #[error("the connection broke off")]
    Interrupted,
    /// A setting of the client is not usable.
    #[error("`{setting}` in the configuration is not usable")]
    Configuration {
        /// The setting.
        setting: &'static str,
    },
}

/// The HTTP client.
#[derive(Debug)]
pub(crate) struct HttpClient {
    client: OnceLock<Client>,
    ca_file: Option<(&'static str, PathBuf)>,
}

impl HttpClient {
    /// `ca_file` holds additional certificate authorities, and is named by that variable.
    pub(crate) const fn new(ca_file: Option<(&'static str, PathBuf)>) -> Self {
        Self {
            client: OnceLock::new(),
            ca_file,
        }
    }

    /// Sends a request once.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Response, HttpFailure> {
        let mut request = self.client()?.request(method, url).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        request.send().await.map_err(|error| self.explain(&error))
    }

    fn client(&self) -> Result<&Client, HttpFailure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = self.build()?;
        Ok(self.client.get_or_init(|| client))
    }

    fn build(&self) -> Result<Client, HttpFailure> {
        // Fails when another part of the process chose a provider first, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT);
        if let Some((variable, path)) = &self.ca_file {
            builder = builder.tls_certs_merge(read_certificates(variable, path)?);
        }
        builder
            .build()
            .map_err(|_| HttpFailure::Configuration { setting: "proxy" })
    }

    fn explain(&self, error: &reqwest::Error) -> HttpFailure {
        if error.is_timeout() {
            return HttpFailure::Timeout;
        }
        if !error.is_connect() {
            return HttpFailure::Interrupted;
        }
        if let Some(rustls::Error::InvalidCertificate(_)) = tls_cause(error) {
            return HttpFailure::Certificate {
                roots: self.roots(),
            };
        }
        HttpFailure::Connect
    }

    fn roots(&self) -> String {
        self.ca_file.as_ref().map_or_else(
            || "those of the system; CODEX_CA_CERTIFICATE or SSL_CERT_FILE add a PEM file".into(),
            |(variable, _)| format!("those of the system and of {variable}"),
        )
    }
}

/// The TLS error behind an error. It hides inside IO errors, one in the other, which do not name
/// what they hold among their sources.
fn tls_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    let held = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match held {
        Some(held) => tls_cause(held),
        None => tls_cause(error.source()?),
    }
}

fn read_certificates(variable: &'static str, path: &Path) -> Result<Vec<Certificate>, HttpFailure> {
    let problem = |problem| HttpFailure::CaFile { variable, problem };
    let malformed = || problem("failed to parse PEM file");
    let pem = std::fs::read_to_string(path).map_err(|_| problem("the file cannot be read"))?;
    // OpenSSL writes this label when it adds trust settings.
    let pem = pem.replace(" TRUSTED CERTIFICATE-----", " CERTIFICATE-----");
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| malformed())?;
        let certificate = without_trust_settings(&certificate).ok_or_else(malformed)?;
        RootCertStore::empty()
            .add(certificate.into())
            .map_err(|_| malformed())?;
        certificates.push(Certificate::from_der(certificate).map_err(|_| malformed())?);
    }
    if certificates.is_empty() {
        return Err(problem("no certificates found in PEM file"));
    }
    Ok(certificates)
}

/// The certificate alone: a DER sequence, which OpenSSL's trust settings follow.
fn without_trust_settings(der: &[u8]) -> Option<&[u8]> {
    let [0x30, first, rest @ ..] = der else {
        return None;
    };
    // From 128 on, the first byte counts the bytes that hold the length.
    let (bytes, short) = match first.checked_sub(0x80) {
        Some(bytes) => (usize::from(bytes), 0),
        None => (0, usize::from(*first)),
    };
    let length = rest
        .get(..bytes.min(4))?
        .iter()
        .fold(short, |length, byte| length << 8 | usize::from(*byte));
    der.get(..2 + bytes + length)
}
