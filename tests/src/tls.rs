//! A backend behind TLS, with a generated certificate.

use std::sync::Arc;

use byokey_dev_backend::rustls::ServerConfig;
use byokey_dev_backend::rustls::crypto::ring;
use byokey_dev_backend::rustls::pki_types::PrivateKeyDer;

/// The versions of HTTP that a backend offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    /// HTTP/1.1 alone.
    One,
    /// HTTP/2 alone.
    Two,
}

/// Returns the configuration of a backend, and the certificate in PEM that its clients must trust.
///
/// # Panics
///
/// When no certificate can be generated.
#[must_use]
pub fn certified(http: Http) -> (ServerConfig, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("its key");
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    config.alpn_protocols = match http {
        Http::One => vec![b"http/1.1".to_vec()],
        Http::Two => vec![b"h2".to_vec()],
    };
    (config, made.cert.pem())
}
