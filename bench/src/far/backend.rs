//! The far side: the loopback backend behind TLS, and a relay to it from the address that is far
//! away.

use std::net::SocketAddr;

use byokey_dev_backend::rustls::ServerConfig;
use byokey_dev_backend::rustls::crypto::ring;
use byokey_dev_backend::rustls::pki_types::PrivateKeyDer;
use byokey_dev_backend::{DevBackend, Options, Script};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::Failure;
use crate::site::token;

/// The numbers of the tokens that are refused.
pub(super) const REFUSED: [usize; 2] = [900, 950];

/// Serves at the given address until it is ended, and writes the certificate that clients have to
/// trust into the given file. Arguments: `ADDRESS FILE`.
pub(crate) fn serve(mut arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let mut next = || arguments.next().ok_or("far-backend ADDRESS FILE");
    let (address, file) = (next()?.parse::<SocketAddr>()?, next()?);
    let made = rcgen::generate_simple_self_signed([address.ip().to_string()])?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let script = Script::from_value(json!({"rejectedBearers": REFUSED.map(token)}))?;
    let backend = DevBackend::start(Options::new().keep_requests(0).script(script).tls(config))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        // The other side waits for this file.
        #[expect(clippy::disallowed_methods, reason = "the file was asked for")]
        std::fs::write(&file, made.cert.pem())?;
        loop {
            let (mut far, _) = listener.accept().await?;
            let target = backend.addr();
            tokio::spawn(async move {
                let mut near = TcpStream::connect(target).await?;
                far.set_nodelay(true)?;
                near.set_nodelay(true)?;
                copy_bidirectional(&mut far, &mut near).await
            });
        }
    })
}
