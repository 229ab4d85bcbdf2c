//! The HTTP client, made on first use.
//!
//! Connections are not kept: hyper's buffers hold the request's headers as long as the
//! connection lives, and a token must not outlive its call. Redirects are not followed, so a
//! bearer never reaches an origin that the configuration does not name.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use http::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, Url};

use super::{BackendError, Call};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

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
        call: &Call,
        url: Url,
        headers: HeaderMap,
    ) -> Result<Response, BackendError> {
        let mut request = self
            .client()?
            .request(call.method.clone(), url)
            .headers(headers);
        if let Some(body) = &call.body {
            request = request
                .header("content-type", "application/json")
                .body(body.clone());
        }
        request.send().await.map_err(|error| self.explain(&error))
    }

    fn client(&self) -> Result<&Client, BackendError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = self.build()?;
        Ok(self.client.get_or_init(|| client))
    }

    fn build(&self) -> Result<Client, BackendError> {
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
            .map_err(|_| BackendError::Configuration { setting: "proxy" })
    }

    fn explain(&self, error: &reqwest::Error) -> BackendError {
        if error.is_timeout() {
            return BackendError::Timeout;
        }
        if !error.is_connect() {
            return BackendError::Interrupted;
        }
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        while let Some(current) = cause {
            // rustls hides inside an IO error, which does not name it among its sources.
            let inner = current
                .downcast_ref::<std::io::Error>()
                .and_then(std::io::Error::get_ref)
                .and_then(|inner| inner.downcast_ref::<rustls::Error>());
            if matches!(
                inner.or_else(|| current.downcast_ref()),
                Some(rustls::Error::InvalidCertificate(_))
            ) {
                return BackendError::Certificate {
                    roots: self.roots(),
                };
            }
            cause = current.source();
        }
        BackendError::Connect
    }

    fn roots(&self) -> String {
        self.ca_file.as_ref().map_or_else(
            || "those of the system; CODEX_CA_CERTIFICATE or SSL_CERT_FILE add a PEM file".into(),
            |(variable, _)| format!("those of the system and of {variable}"),
        )
    }
}

fn read_certificates(
    variable: &'static str,
    path: &Path,
) -> Result<Vec<Certificate>, BackendError> {
    let problem = |problem| BackendError::CaFile { variable, problem };
    let pem = std::fs::read_to_string(path).map_err(|_| problem("the file cannot be read"))?;
    // OpenSSL writes this label when it adds trust settings.
    let pem = pem.replace(" TRUSTED CERTIFICATE-----", " CERTIFICATE-----");
    let certificates = Certificate::from_pem_bundle(pem.as_bytes())
        .map_err(|_| problem("failed to parse PEM file"))?;
    if certificates.is_empty() {
        return Err(problem("no certificates found in PEM file"));
    }
    Ok(certificates)
}
