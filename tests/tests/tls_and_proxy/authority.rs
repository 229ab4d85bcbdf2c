//! Fake certificate authorities, and a backend that serves TLS with a certificate of one.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use byokey_dev_backend::rustls::ServerConfig;
use byokey_dev_backend::rustls::crypto::ring;
use byokey_dev_backend::rustls::pki_types::PrivateKeyDer;
use byokey_dev_backend::{DevBackend, Options};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::{ADDRESS, NAME};

/// The names in the certificates of backends.
const NAMES: [&str; 4] = ["127.0.0.1", "localhost", NAME, ADDRESS];

/// A certificate authority of one test.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Returns its certificate in PEM.
    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Returns the same in OpenSSL's form with trust settings.
    pub(super) fn trusted_pem(&self, settings: &[u8]) -> String {
        let bytes = [self.0.der(), settings].concat();
        let lines = STANDARD.encode(bytes);
        let label = "TRUSTED CERTIFICATE-----";
        format!("-----BEGIN {label}\n{lines}\n-----END {label}\n")
    }

    /// Starts a backend with a certificate of this authority.
    pub(super) fn backend(&self) -> DevBackend {
        self.backend_with(CertificateParams::new(NAMES.map(str::to_owned)).unwrap())
    }

    /// Starts the same with HTTP/1.1 alone: behind the handshake only a request follows.
    pub(super) fn backend_of_http_1(&self) -> DevBackend {
        let mut config = self.config(CertificateParams::new(NAMES.map(str::to_owned)).unwrap());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        DevBackend::start(Options::new().tls(config)).unwrap()
    }

    /// Starts a backend with another certificate of this authority.
    pub(super) fn backend_with(&self, params: CertificateParams) -> DevBackend {
        DevBackend::start(Options::new().tls(self.config(params))).unwrap()
    }

    fn config(&self, params: CertificateParams) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}
