//! The cause in an error, and its kind for hosts.

use byokey_dev_backend::{DevBackend, Options};
use byokey_tests::{Host, Setup};
use rcgen::{CertificateParams, date_time_ymd};
use serde_json::json;

use super::authority::Authority;
use super::{PemFile, limits, limits_at};

/// Returns an address of this machine without a listener.
fn closed() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn no_connection_is_distinguished_from_a_failing_backend() {
    let plain = DevBackend::start(Options::new()).unwrap();
    let not_tls = plain.base_url().replace("http://", "https://");
    for (url, part) in [
        (closed(), "refused the connection: nothing listens there"),
        ("https://nowhere.invalid".into(), "cannot be resolved (DNS)"),
        (not_tls, "the TLS handshake with 127.0.0.1:"),
    ] {
        let failed = limits_at(&url, &[]).await.unwrap_err();
        assert_eq!(failed.kind(), "unreachable", "{failed:?}");
        let begins = "cannot connect to the backend: ";
        assert!(failed.message.contains(begins), "{failed:?}");
        assert!(failed.message.contains(part), "{failed:?}");
        assert!(!failed.message.contains("try again later"), "{failed:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said() {
    let authority = Authority::new("one");
    let file = PemFile::new(&authority.pem());
    let of = |name: &str| CertificateParams::new([name.to_owned()]).unwrap();
    let (mut expired, mut early) = (of("127.0.0.1"), of("127.0.0.1"));
    expired.not_after = date_time_ymd(2001, 1, 1);
    early.not_before = date_time_ymd(2999, 1, 1);
    for (params, part) in [
        (expired, "it has expired"),
        (early, "it is not valid yet"),
        (of("other.example"), "it is for another host name"),
    ] {
        let backend = authority.backend_with(params);
        let roots = [("SSL_CERT_FILE", &*file.path())];
        let failed = limits(&backend, &roots).await.unwrap_err();
        assert_eq!(failed.kind(), "backendRefused", "{failed:?}");
        assert!(failed.message.contains(part), "{failed:?}");
    }
    let failed = limits(&authority.backend(), &[]).await.unwrap_err();
    let part = "no trusted certificate authority signed it";
    assert!(failed.message.contains(part), "{failed:?}");
}

#[tokio::test]
async fn an_issuer_that_is_not_there_says_so() {
    let setup = Setup::default().environment("CODEX_APP_SERVER_LOGIN_ISSUER", &closed());
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let login = json!({"type": "personalAccessToken", "accessToken": "at-made-up-token"});
    let failed = host
        .request("account/login/start", login)
        .await
        .unwrap_err();
    assert_eq!(failed.kind(), "unreachable", "{failed:?}");
    let part = "cannot connect to the issuer: ";
    assert!(failed.message.contains(part), "{failed:?}");
}
