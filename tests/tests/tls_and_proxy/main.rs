//! The network: certificates, proxies, where a secret may be sent, and the causes in errors.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod authority;
mod causes;
mod issuer;
mod plaintext;
mod proxies;
mod proxy;
mod relay;
mod roots;
mod socks;
mod standby;

use authority::Authority;
use byokey_dev_backend::{DevBackend, Route, TestToken};
use byokey_tests::server::mock_provider;
use byokey_tests::{Host, Refused, Server, Setup};
use serde_json::{Value, json};

/// A folder with a file of certificates.
struct PemFile(tempfile::TempDir);

impl PemFile {
    fn new(pem: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
        std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
        Self(folder)
    }

    fn path(&self) -> String {
        self.0.path().join("ca.pem").display().to_string()
    }

    fn folder(&self) -> String {
        self.0.path().display().to_string()
    }
}

/// A host name without a DNS entry: only the proxies of these tests know it.
const NAME: &str = "backend.example";
/// A reserved address (RFC 5737): only the proxies of these tests know it.
const ADDRESS: &str = "192.0.2.1";

/// Reads rate limits with these environment variables.
async fn limits(backend: &DevBackend, environment: &[(&str, &str)]) -> Result<Value, Refused> {
    limits_at(&backend.base_url(), environment).await
}

/// Reads rate limits at another address.
async fn limits_at(url: &str, environment: &[(&str, &str)]) -> Result<Value, Refused> {
    let mut setup = Setup::default().config(&mock_provider(url));
    for (name, value) in environment {
        setup = setup.environment(name, value);
    }
    let (_server, mut host) = signed_in(setup).await;
    host.request("account/rateLimits/read", json!({})).await
}

/// Returns the address of a backend under another host, which only a proxy finds.
fn elsewhere(backend: &DevBackend, host: &str) -> String {
    backend.base_url().replace("127.0.0.1", host)
}

/// Without standby connections: these tests count the connections of calls.
async fn signed_in(setup: Setup) -> (Server, Host) {
    let off = "byokey.standby_connections=false";
    let setup = setup.argument("-c").argument(off);
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    (server, host)
}

// Codex: uses_codex_ca_cert_env
#[tokio::test]
async fn uses_codex_ca_cert_env() {
    let authority = Authority::new("one");
    let (backend, file) = (authority.backend(), PemFile::new(&authority.pem()));
    limits(&backend, &[("CODEX_CA_CERTIFICATE", &file.path())])
        .await
        .unwrap();
    assert!(backend.base_url().starts_with("https://"));
    assert_eq!(backend.count(Route::Usage), 1);
}

// Codex: falls_back_to_ssl_cert_file
#[tokio::test]
async fn falls_back_to_ssl_cert_file() {
    let authority = Authority::new("one");
    let (backend, file) = (authority.backend(), PemFile::new(&authority.pem()));
    limits(&backend, &[("SSL_CERT_FILE", &file.path())])
        .await
        .unwrap();
    let blank = [
        ("CODEX_CA_CERTIFICATE", " "),
        ("SSL_CERT_FILE", &file.path()),
    ];
    limits(&backend, &blank).await.unwrap();
}

// Codex: prefers_codex_ca_cert_over_ssl_cert_file
#[tokio::test]
async fn prefers_codex_ca_cert_over_ssl_cert_file() {
    let authority = Authority::new("one");
    let backend = authority.backend();
    let (good, bad) = (PemFile::new(&authority.pem()), PemFile::new("no PEM"));
    let right = [
        ("CODEX_CA_CERTIFICATE", &*good.path()),
        ("SSL_CERT_FILE", &bad.path()),
    ];
    limits(&backend, &right).await.unwrap();
    let wrong = [
        ("CODEX_CA_CERTIFICATE", &*bad.path()),
        ("SSL_CERT_FILE", &good.path()),
    ];
    let failed = limits(&backend, &wrong).await.unwrap_err();
    assert!(
        failed
            .message
            .contains("CODEX_CA_CERTIFICATE: no certificates found"),
        "{failed:?}"
    );
}

// Codex: handles_multi_certificate_bundle
#[tokio::test]
async fn handles_multi_certificate_bundle() {
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let bundle = format!("# made up\n{}\n{}", other.pem(), authority.pem());
    let (backend, file) = (authority.backend(), PemFile::new(&bundle));
    limits(&backend, &[("CODEX_CA_CERTIFICATE", &file.path())])
        .await
        .unwrap();
}

// Codex: accepts_trusted_certificate_label
#[tokio::test]
async fn accepts_trusted_certificate_label() {
    let authority = Authority::new("one");
    for settings in [&[][..], &[0x30, 0x03, 0x0c, 0x01, b'x']] {
        let labelled = authority.trusted_pem(settings);
        assert!(labelled.contains("BEGIN TRUSTED CERTIFICATE"));
        let (backend, file) = (authority.backend(), PemFile::new(&labelled));
        limits(&backend, &[("CODEX_CA_CERTIFICATE", &file.path())])
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused_and_the_source_named() {
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let (backend, file) = (authority.backend(), PemFile::new(&other.pem()));
    let failed = limits(&backend, &[("SSL_CERT_FILE", &file.path())])
        .await
        .unwrap_err();
    assert_eq!(failed.kind(), "backendRefused");
    assert!(
        failed.message.contains("certificate was not accepted"),
        "{failed:?}"
    );
    assert!(failed.message.contains("SSL_CERT_FILE"), "{failed:?}");
    let failed = limits(&backend, &[]).await.unwrap_err();
    let hint = "CODEX_CA_CERTIFICATE or SSL_CERT_FILE add a PEM file";
    assert!(failed.message.contains(hint), "{failed:?}");
    assert!(
        backend.requests().is_empty(),
        "something was sent all the same"
    );
}

// Codex: rejects_empty_pem_file_with_hint
#[tokio::test]
async fn rejects_empty_pem_file_with_hint() {
    let backend = Authority::new("one").backend();
    for empty in ["", "# no certificate here\n"] {
        let file = PemFile::new(empty);
        let failed = limits(&backend, &[("CODEX_CA_CERTIFICATE", &file.path())]).await;
        let failed = failed.unwrap_err();
        for part in [
            "no certificates found in PEM file",
            "CODEX_CA_CERTIFICATE",
            "SSL_CERT_FILE",
        ] {
            assert!(failed.message.contains(part), "{failed:?}");
        }
    }
}

// Codex: rejects_malformed_pem_with_hint
#[tokio::test]
async fn rejects_malformed_pem_with_hint() {
    let backend = Authority::new("one").backend();
    let begin = "-----BEGIN CERTIFICATE-----";
    let end = "-----END CERTIFICATE-----";
    for malformed in [
        format!("{begin}\nCANARY!\n{end}\n"),
        format!("{begin}\nQ0FOQVJZ\n{end}\n"),
    ] {
        let file = PemFile::new(&malformed);
        let failed = limits(&backend, &[("SSL_CERT_FILE", &file.path())])
            .await
            .unwrap_err();
        for part in [
            "failed to parse PEM file",
            "CODEX_CA_CERTIFICATE",
            "SSL_CERT_FILE",
        ] {
            assert!(failed.message.contains(part), "{failed:?}");
        }
        assert!(!failed.message.contains("CANARY"), "{failed:?}");
    }
    let missing = [("SSL_CERT_FILE", "/nonexistent/ca.pem")];
    let failed = limits(&backend, &missing).await.unwrap_err();
    assert!(
        failed
            .message
            .contains("SSL_CERT_FILE: the file cannot be read"),
        "{failed:?}"
    );
}
