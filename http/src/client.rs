//! The HTTP client, created on first use.
//!
//! There is no connection pool: hyper's buffers hold the request's headers as long as the
//! connection lives, and a token must not outlive its call. Redirects are not followed, so a bearer
//! never reaches an origin that the configuration does not name.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use rustls::ClientConfig;
use url::{Origin, Url};

use crate::explain::{explain, host};
use crate::failure::{ConnectCause, HttpFailure, Unreachable};
use crate::loopback::LocalResolver;
use crate::plaintext::{self, Sensitivity};
use crate::proxy::{Kind, Proxies, Proxy};
use crate::roots::{self, Loaded, RootSettings};

/// Timeout for connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of the client, fixed for its life.
#[derive(Debug, Default)]
pub struct Settings {
    /// Which requests go through a proxy.
    pub proxies: Proxies,
    /// Certificate authorities besides those of the system.
    pub roots: RootSettings,
    /// The `http://` origins to which a provider's own key may be sent unencrypted.
    pub plaintext_origins: Vec<Origin>,
}

/// One request.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Option<Bytes>,
    /// The sensitivity of its most sensitive part.
    pub sensitivity: Sensitivity,
}

/// The HTTP client.
#[derive(Debug, Default)]
pub struct HttpClient {
    settings: Settings,
    /// One client per route; hardly ever more than one.
    clients: Mutex<Vec<(Way, Client)>>,
    roots: OnceLock<Loaded>,
}

/// The route that a client of the library is configured for. It cannot take another one, so the
/// decision for a request is binding.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    encrypted: bool,
    proxy: Option<Url>,
}

impl HttpClient {
    /// Returns a client that has not connected yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Sends a request once, and returns the response before its body.
    ///
    /// # Errors
    ///
    /// When there was no response. A response with an error status is a response.
    pub async fn send(&self, request: Request) -> Result<Response, HttpFailure> {
        let Request {
            method,
            url,
            headers,
            body,
            sensitivity,
        } = request;
        let settings = &self.settings;
        let proxy = settings.proxies.choose(&url).map_err(HttpFailure::Proxy)?;
        let proxy = proxy.as_deref();
        let sensitivity = plaintext::sensitivity(sensitivity, &url, &headers);
        plaintext::check(&url, sensitivity, proxy, &settings.plaintext_origins)
            .map_err(HttpFailure::Plaintext)?;
        let client = self.client(&url, proxy)?;
        let mut request = client.request(method, url.clone()).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let sent = request.send().await;
        let response =
            sent.map_err(|error| explain(&error, &url, proxy, || self.roots_origin()))?;
        match proxy {
            Some(proxy) if refuses_user(proxy, &url, &response) => {
                Err(HttpFailure::Unreachable(Unreachable {
                    cause: ConnectCause::ProxyAuthentication {
                        given: proxy.has_password(),
                    },
                    host: host(&url),
                    proxy: Some(proxy.named_by()),
                }))
            }
            _ => Ok(response),
        }
    }

    fn client(&self, url: &Url, proxy: Option<&Proxy>) -> Result<Client, HttpFailure> {
        let through_tls = proxy.is_some_and(|proxy| proxy.kind() == Kind::Https);
        let way = Way {
            encrypted: url.scheme() == "https" || through_tls,
            proxy: proxy.map(|proxy| proxy.url().clone()),
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == way) {
            return Ok(client.clone());
        }
        let client = self.build(&way)?;
        clients.push((way, client.clone()));
        Ok(client)
    }

    fn build(&self, way: &Way) -> Result<Client, HttpFailure> {
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Arc::new(LocalResolver))
            .tls_backend_preconfigured(self.tls(way.encrypted)?)
            // Disables the library's own detection: `Proxies` decides.
            .no_proxy();
        if let Some(url) = &way.proxy {
            let proxy = reqwest::Proxy::all(url.clone());
            builder = builder.proxy(proxy.map_err(|_| HttpFailure::Setup)?);
        }
        builder.build().map_err(|_| HttpFailure::Setup)
    }

    /// Returns the TLS configuration. The certificate authorities are loaded for the first request
    /// that needs them, and again as long as loading fails.
    fn tls(&self, encrypted: bool) -> Result<ClientConfig, HttpFailure> {
        let mut tls = if !encrypted {
            roots::no_tls().map_err(HttpFailure::Roots)?
        } else if let Some(loaded) = self.roots.get() {
            loaded.tls.clone()
        } else {
            let loaded = self.settings.roots.load().map_err(HttpFailure::Roots)?;
            self.roots.get_or_init(|| loaded).tls.clone()
        };
        if cfg!(feature = "http2") {
            tls.alpn_protocols.push(b"h2".to_vec());
        }
        tls.alpn_protocols.push(b"http/1.1".to_vec());
        Ok(tls)
    }

    fn roots_origin(&self) -> String {
        self.roots
            .get()
            .map(|loaded| loaded.origin.clone())
            .unwrap_or_default()
    }
}

/// Returns whether the proxy itself requires authentication. Only an unencrypted request can be
/// answered by a proxy.
fn refuses_user(proxy: &Proxy, url: &Url, response: &Response) -> bool {
    response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        && url.scheme() == "http"
        && proxy.kind() != Kind::Socks
}
