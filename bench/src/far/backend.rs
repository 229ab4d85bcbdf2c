//! The far side: the loopback backend behind TLS 1.3, and a relay to it from the address that is
//! far away. One port offers HTTP/2 and HTTP/1.1, the next one only HTTP/1.1.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use byokey_dev_backend::rustls::ServerConfig;
use byokey_dev_backend::rustls::crypto::ring;
use byokey_dev_backend::rustls::pki_types::PrivateKeyDer;
use byokey_dev_backend::rustls::server::{ClientHello, ResolvesServerCert};
use byokey_dev_backend::rustls::sign::CertifiedKey;
use byokey_dev_backend::rustls::version::TLS13;
use byokey_dev_backend::{DevBackend, Options, Script};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::Failure;
use crate::site::token;

/// The numbers of the tokens that are refused.
pub(super) const REFUSED: [usize; 2] = [900, 950];

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Returns the file to which the backend at this URL writes the protocol of the last connection.
pub(super) fn spoken(certificate: &str, url: &str) -> PathBuf {
    let port = url.rsplit(':').next().unwrap_or_default();
    format!("{certificate}.{port}").into()
}

/// Serves at the given address and at the port after it until it is ended, and writes the
/// certificate that clients have to trust into the given file. Arguments: `ADDRESS FILE`.
pub(crate) fn serve(mut arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let mut next = || arguments.next().ok_or("far-backend ADDRESS FILE");
    let (address, file) = (next()?.parse::<SocketAddr>()?, next()?);
    let made = rcgen::generate_simple_self_signed([address.ip().to_string()])?;
    let provider = ring::default_provider();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let key = provider.key_provider.load_private_key(key)?;
    let key = Arc::new(CertifiedKey::new(vec![made.cert.der().clone()], key));
    let provider = Arc::new(provider);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let mut backends = Vec::new();
        for (further, protocols) in [[HTTP2, HTTP1].as_slice(), &[HTTP1]].iter().enumerate() {
            let port = address.port() + u16::try_from(further)?;
            let address = SocketAddr::new(address.ip(), port);
            let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(&[&TLS13])?
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(Observer {
                    key: Arc::clone(&key),
                    offers_http2: protocols.contains(&HTTP2),
                    file: spoken(&file, &address.to_string()),
                    last: Mutex::default(),
                }));
            config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
            let script = Script::from_value(json!({"rejectedBearers": REFUSED.map(token)}))?;
            let options = Options::new().keep_requests(0).script(script);
            let backend = DevBackend::start(options.tls(config))?;
            let listener = TcpListener::bind(address).await?;
            tokio::spawn(relay(listener, backend.addr()));
            backends.push(backend);
        }
        // The other side waits for this file.
        #[expect(clippy::disallowed_methods, reason = "the file was asked for")]
        std::fs::write(&file, made.cert.pem())?;
        std::future::pending().await
    })
}

async fn relay(listener: TcpListener, target: SocketAddr) {
    while let Ok((mut far, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut near = TcpStream::connect(target).await?;
            far.set_nodelay(true)?;
            near.set_nodelay(true)?;
            copy_bidirectional(&mut far, &mut near).await
        });
    }
}

/// Writes down which protocol a handshake selects, which is encrypted on the wire.
#[derive(Debug)]
struct Observer {
    key: Arc<CertifiedKey>,
    offers_http2: bool,
    file: PathBuf,
    last: Mutex<&'static str>,
}

impl ResolvesServerCert for Observer {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let wants_http2 = hello.alpn().is_some_and(|mut it| it.any(|it| it == HTTP2));
        // The server's preference decides.
        let selected = if self.offers_http2 && wants_http2 {
            "HTTP/2"
        } else {
            "HTTP/1.1"
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != selected {
            *last = selected;
            // Without it, the table does not name the protocol.
            #[expect(clippy::disallowed_methods, reason = "a folder of its own")]
            drop(std::fs::write(&self.file, selected));
        }
        Some(Arc::clone(&self.key))
    }
}
