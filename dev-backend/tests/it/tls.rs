//! TLS, with the protocol chosen by ALPN.

use std::sync::Arc;

use crate::support::*;
use byokey_dev_backend::rustls::crypto::ring;
use byokey_dev_backend::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use byokey_dev_backend::rustls::{ClientConfig, RootCertStore, ServerConfig};
use byokey_dev_backend::{DevBackend, Options};
use hyper::Request;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

fn start_tls() -> (DevBackend, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    (
        DevBackend::start(Options::new().tls(config)).unwrap(),
        certificate,
    )
}

async fn connect(
    backend: &DevBackend,
    certificate: CertificateDer<'static>,
    protocol: &[u8],
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(backend.addr()).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
    stream
}

fn request(backend: &DevBackend) -> Request<String> {
    let uri = format!("{}{USAGE}", backend.base_url());
    assert!(uri.starts_with("https://"));
    Request::get(uri)
        .header("authorization", "Bearer t")
        .body(String::new())
        .unwrap()
}

#[tokio::test]
async fn http1_and_http2_are_served_over_tls() {
    let (backend, certificate) = start_tls();

    let stream = soon(connect(&backend, certificate.clone(), b"http/1.1")).await;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(
        soon(sender.send_request(request(&backend)))
            .await
            .unwrap()
            .status(),
        200
    );

    let stream = soon(connect(&backend, certificate, b"h2")).await;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    assert_eq!(
        soon(sender.send_request(request(&backend)))
            .await
            .unwrap()
            .status(),
        200
    );
    assert!(
        backend
            .requests()
            .iter()
            .all(|request| request.path == USAGE)
    );
}

#[tokio::test]
async fn a_broken_handshake_does_not_affect_others() {
    let (backend, certificate) = start_tls();
    assert!(
        try_call(&backend, get(USAGE, Some("t"))).await.is_err(),
        "not TLS"
    );
    drop(soon(connect(&backend, certificate, b"h2")).await);
}
