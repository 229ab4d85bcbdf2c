//! The HTTP client, created on first use.
//!
//! There is no connection pool: hyper's buffers hold the request's headers as long as the
//! connection lives, and a token must not outlive its call. A fresh connection may be opened ahead
//! of the next call: see `standby`. TLS sessions are resumed, without early data, by the calls of one
//! login only; another account has tickets of its own. Redirects are not followed, so a bearer never reaches an
//! origin that the configuration does not name.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};
use rustls::ClientConfig;
use rustls::client::Resumption;
use tokio::time::Instant;
use url::{Origin, Url};

use crate::connection::{HandOver, NotSent, Sender, handed_over};
use crate::explain::{explain, host};
use crate::failure::{ConnectCause, HttpFailure, Unreachable};
use crate::loopback::LocalResolver;
use crate::plaintext::{self, Sensitivity};
use crate::proxy::{Kind, Proxies, Proxy};
use crate::roots::{self, Loaded, RootSettings};
use crate::standby::{Occasion, Slot, Target};
use crate::way::Way;

/// Timeout for connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a call waits for an answer on a standby connection before it is sent again on one of
/// its own, if its method is safe.
pub(crate) const STANDBY_PATIENCE: Duration = Duration::from_secs(4);

/// How often a request is sent again that an HTTP/2 server says it did not process.
const MAX_REFUSALS: u32 = 2;

/// How many TLS sessions can be resumed.
const MAX_SESSIONS: usize = 8;

/// Settings of the client, fixed for its life.
#[derive(Debug, Default)]
pub struct Settings {
    /// Which requests go through a proxy.
    pub proxies: Proxies,
    /// Certificate authorities besides those of the system.
    pub roots: RootSettings,
    /// The `http://` origins to which a provider's own key may be sent unencrypted.
    pub plaintext_origins: Vec<Origin>,
    /// How long a standby connection waits for its call; none where there are none.
    pub standby: Option<Duration>,
}

impl Settings {
    /// Returns the proxy for a request to this URL with a secret of that sensitivity; `None` is a
    /// direct connection. This is what is decided before anything is sent.
    ///
    /// # Errors
    ///
    /// When nothing may be sent.
    pub fn route(
        &self,
        url: &Url,
        sensitivity: Sensitivity,
    ) -> Result<Option<Arc<Proxy>>, HttpFailure> {
        let proxy = self.proxies.choose(url).map_err(HttpFailure::Proxy)?;
        plaintext::check(url, sensitivity, proxy.as_deref(), &self.plaintext_origins)
            .map_err(HttpFailure::Plaintext)?;
        Ok(proxy)
    }
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
    /// The era of the login that it belongs to, see [`HttpClient::era`]. In that era it may take the
    /// standby connection and resume TLS sessions. Otherwise it leaves no session behind either: the
    /// tickets of one account would identify it in the calls of the next.
    pub era: Option<u64>,
}

/// The HTTP client.
#[derive(Debug, Default)]
pub struct HttpClient {
    settings: Settings,
    connectors: Mutex<Connectors>,
    roots: OnceLock<Loaded>,
    slot: Arc<Slot>,
}

/// What makes connections for the login in force.
#[derive(Debug)]
struct Connectors {
    /// One client per route; hardly ever more than one.
    clients: Vec<(Way, Client)>,
    sessions: Resumption,
    /// The clients of requests that do not belong to that login. They resume no session.
    others: Vec<(Way, Client)>,
}

impl Default for Connectors {
    fn default() -> Self {
        Self {
            clients: Vec::new(),
            sessions: Resumption::in_memory_sessions(MAX_SESSIONS),
            others: Vec::new(),
        }
    }
}

impl HttpClient {
    /// Returns a client that has not connected yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            slot: Arc::new(Slot::new(settings.standby)),
            settings,
            ..Self::default()
        }
    }

    /// Whose connections these are: a number that grows when [`HttpClient::forget`] is called.
    #[must_use]
    pub fn era(&self) -> u64 {
        self.slot.era()
    }

    /// Ends the standby connection and forgets the TLS sessions: the login is gone, or is that of
    /// another account now. No standby connection is opened until [`HttpClient::signed_in`].
    pub fn forget(&self) {
        // With the lock: no call finds the era of one account and the sessions of another.
        let mut connectors = self.connectors();
        self.slot.end();
        *connectors = Connectors::default();
    }

    /// A login is in force, so that standby connections may be opened.
    pub fn signed_in(&self) {
        self.slot.want();
    }

    /// Opens a standby connection to the origin of this address, in the background, if the rules
    /// ask for one: the origin is `https`, and the occasion calls for it. The era is the one in
    /// which the occasion began.
    pub fn open_standby(self: &Arc<Self>, url: &Url, era: u64, occasion: Occasion) {
        if let Some((target, url)) = self.standby_target(url) {
            let (client, way) = (Arc::clone(self), target.way.clone());
            let connector = move || client.standby_builder(&way, era);
            self.slot.open(target, url, era, occasion, connector);
        }
    }

    /// What a standby connection for this address leads to, and the address of its origin.
    ///
    /// Only TLS takes round trips that are worth saving, and a small server on this machine may
    /// serve one connection at a time.
    fn standby_target(&self, url: &Url) -> Option<(Target, Url)> {
        if self.settings.standby.is_none() || url.scheme() != "https" {
            return None;
        }
        let proxy = self.settings.proxies.choose(url).ok()?;
        let target = Target {
            way: Way::of(url, proxy.as_deref()),
            origin: url.origin(),
        };
        let url = Url::parse(&target.origin.ascii_serialization()).ok()?;
        Some((target, url))
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
            era,
        } = request;
        let sensitivity = plaintext::sensitivity(sensitivity, &url, &headers);
        let proxy = self.settings.route(&url, sensitivity)?;
        let proxy = proxy.as_deref();
        let mut silent = None;
        if cfg!(feature = "standby") && era == Some(self.era()) {
            let sent = self.send_on_standby(&method, &url, proxy, &headers, body.as_ref());
            match Box::pin(sent).await? {
                OnStandby::Answered(response) => return Ok(response),
                OnStandby::Silent(target) => silent = Some(target),
                OnStandby::NotSent => {}
            }
        }
        let client = self.client(&url, proxy, era)?;
        let request = client.request(method, url.clone()).headers(headers);
        let begun = Instant::now();
        // The small program has no code for connections of its own.
        let sent = if cfg!(not(feature = "standby")) || Way::of(&url, proxy).is_forwarded() {
            let request = match body {
                Some(body) => request.body(body),
                None => request,
            };
            let sent = request.send().await;
            sent.map_err(|error| explain(&error, &url, proxy, || self.roots_origin()))
        } else {
            let request = request.build().map_err(|_| HttpFailure::Setup)?;
            // A separate future, so that a queued call stays small.
            Box::pin(self.send_alone(&client, &request, body, proxy)).await
        };
        if let Some(target) = silent
            && sent.is_ok()
            && begun.elapsed() < STANDBY_PATIENCE
        {
            // The server is not slow, so the network had dropped the connection.
            self.slot.was_dead(&target);
        }
        let response = sent?;
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

    /// Sends a request on a connection of its own.
    async fn send_alone(
        &self,
        client: &Client,
        request: &reqwest::Request,
        body: Option<Bytes>,
        proxy: Option<&Proxy>,
    ) -> Result<Response, HttpFailure> {
        let url = request.url();
        let mut attempts = 0;
        loop {
            // It has no header, and fails always: without a connection, or with one.
            let Err(failed) = client.get(url.clone()).send().await else {
                return Err(HttpFailure::Setup);
            };
            let Some(connected) = handed_over(&failed) else {
                return Err(explain(&failed, url, proxy, || self.roots_origin()));
            };
            let begun = connected.begin(
                &self.slot.connections,
                #[cfg(feature = "http2")]
                None,
            );
            let (sender, connection) = begun.await.ok_or(HttpFailure::Interrupted)?;
            drop(tokio::spawn(connection));
            let may_repeat = !matches!(sender, Sender::Http1(_)) && attempts < MAX_REFUSALS;
            attempts += 1;
            let (method, headers) = (request.method().clone(), request.headers().clone());
            match sender.send(method, url, headers, body.clone()).await {
                Ok(response) => return Ok(response),
                Err(NotSent::Certainly) if may_repeat => {}
                Err(NotSent::UnreadableHead) => return Err(HttpFailure::UnreadableHead),
                Err(NotSent::Certainly | NotSent::Perhaps) => {
                    return Err(HttpFailure::Interrupted);
                }
            }
        }
    }

    /// Sends a request on the standby connection. Anything but an answer means that it has to go over
    /// a connection of its own, which is only where it was certainly not processed or is safe.
    async fn send_on_standby(
        &self,
        method: &Method,
        url: &Url,
        proxy: Option<&Proxy>,
        headers: &HeaderMap,
        body: Option<&Bytes>,
    ) -> Result<OnStandby, HttpFailure> {
        // The user of an address becomes a header, which the library knows how to write.
        if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
            return Ok(OnStandby::NotSent);
        }
        let target = Target {
            way: Way::of(url, proxy),
            origin: url.origin(),
        };
        let Some(sender) = self.slot.take(&target) else {
            return Ok(OnStandby::NotSent);
        };
        let sent = sender.send(method.clone(), url, headers.clone(), body.cloned());
        let sent = Box::pin(sent);
        let sent = if method.is_safe() {
            // It may be repeated whatever became of it (RFC 9110, section 9.2.1).
            let Ok(sent) = tokio::time::timeout(STANDBY_PATIENCE, sent).await else {
                // The connection may be dead, or the server slow: the repetition shows it.
                return Ok(OnStandby::Silent(target));
            };
            sent
        } else {
            // If the caller gives up on it, that proves nothing about the connection.
            sent.await
        };
        // A 408 says that the server did not receive a complete request (RFC 9110, section 15.5.9).
        let sent = match sent {
            Ok(response) if response.status() != StatusCode::REQUEST_TIMEOUT => {
                self.slot.used(&target);
                return Ok(OnStandby::Answered(response));
            }
            Err(NotSent::Perhaps) => Err(HttpFailure::Interrupted),
            Err(NotSent::UnreadableHead) => {
                self.slot.used(&target);
                return Err(HttpFailure::UnreadableHead);
            }
            Ok(_) | Err(NotSent::Certainly) => Ok(OnStandby::NotSent),
        };
        self.slot.was_dead(&target);
        sent
    }

    fn client(
        &self,
        url: &Url,
        proxy: Option<&Proxy>,
        era: Option<u64>,
    ) -> Result<Client, HttpFailure> {
        let way = Way::of(url, proxy);
        // With the lock, under which `forget` ends the era and replaces the connectors.
        let mut connectors = self.connectors();
        let Connectors {
            clients,
            sessions,
            others,
        } = &mut *connectors;
        let (clients, sessions) = if era == Some(self.era()) {
            (clients, sessions.clone())
        } else {
            (others, Resumption::disabled())
        };
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == way) {
            return Ok(client.clone());
        }
        let mut builder = self.builder(&way, sessions)?;
        if cfg!(feature = "standby") && !way.is_forwarded() {
            builder = builder.connector_layer(HandOver);
        }
        let client = builder.build().map_err(|_| HttpFailure::Setup)?;
        clients.push((way, client.clone()));
        Ok(client)
    }

    /// What connects this way for the login of this era, if it is still in force.
    fn standby_builder(&self, way: &Way, era: u64) -> Option<ClientBuilder> {
        let sessions = {
            let connectors = self.connectors();
            (era == self.era()).then(|| connectors.sessions.clone())?
        };
        self.builder(way, sessions).ok()
    }

    /// What connects this way, without having done so.
    fn builder(&self, way: &Way, sessions: Resumption) -> Result<ClientBuilder, HttpFailure> {
        let mut tls = self.tls(way)?;
        tls.resumption = sessions;
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .dns_resolver(Arc::new(LocalResolver))
            .tls_backend_preconfigured(tls)
            // Disables the library's own detection: `Proxies` decides.
            .no_proxy();
        if let Some(url) = &way.proxy {
            let proxy = reqwest::Proxy::all(url.clone());
            builder = builder.proxy(proxy.map_err(|_| HttpFailure::Setup)?);
        }
        Ok(builder)
    }

    fn connectors(&self) -> MutexGuard<'_, Connectors> {
        self.connectors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the TLS configuration. The certificate authorities are loaded for the first request
    /// that needs them, and again as long as loading fails.
    fn tls(&self, way: &Way) -> Result<ClientConfig, HttpFailure> {
        let mut tls = if !way.encrypted {
            roots::no_tls().map_err(HttpFailure::Roots)?
        } else if let Some(loaded) = self.roots.get() {
            loaded.tls.clone()
        } else {
            let loaded = self.settings.roots.load().map_err(HttpFailure::Roots)?;
            self.roots.get_or_init(|| loaded).tls.clone()
        };
        // The library, which sends what this client does not, has no HTTP/2.
        if cfg!(all(feature = "http2", feature = "standby")) && !way.is_forwarded() {
            tls.alpn_protocols.push(b"h2".to_vec());
        }
        tls.alpn_protocols.push(b"http/1.1".to_vec());
        // Early data (0-RTT) can be replayed (RFC 8446, section 8).
        tls.enable_early_data = false;
        Ok(tls)
    }

    fn roots_origin(&self) -> String {
        self.roots
            .get()
            .map(|loaded| loaded.origin.clone())
            .unwrap_or_default()
    }
}

/// What became of a request on a standby connection.
enum OnStandby {
    /// There is an answer.
    Answered(Response),
    /// There was no answer for [`STANDBY_PATIENCE`], and the method is safe.
    Silent(Target),
    /// It was not processed.
    NotSent,
}

/// Returns whether the proxy itself requires authentication. Only an unencrypted request can be
/// answered by a proxy.
fn refuses_user(proxy: &Proxy, url: &Url, response: &Response) -> bool {
    response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        && url.scheme() == "http"
        && proxy.kind() != Kind::Socks
}

#[cfg(test)]
mod tests {
    use super::{HttpClient, Settings, Way};

    #[test]
    fn no_request_is_sent_as_early_data() {
        let client = HttpClient::new(Settings::default());
        for url in ["https://backend.example/", "http://backend.example/"] {
            let tls = client.tls(&Way::of(&url.parse().unwrap(), None)).unwrap();
            assert!(!tls.enable_early_data, "{url}");
        }
    }
}
