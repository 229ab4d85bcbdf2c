//! Proxies: which are used, which are bypassed, and which stop the call.

use byokey_dev_backend::{DevBackend, Options, Route};
use byokey_tests::Setup;
use byokey_tests::issuer::{Ask, Issuer};
use serde_json::json;

use super::authority::Authority;
use super::proxy::Proxy;
use super::socks::Socks;
use super::{ADDRESS, NAME, PemFile, elsewhere, limits, limits_at, signed_in};

#[tokio::test]
async fn an_https_proxy_is_used_and_never_sees_the_bearer() {
    let authority = Authority::new("one");
    let (backend, file) = (authority.backend(), PemFile::new(&authority.pem()));
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = Proxy::start().await;
        let environment = [
            ("CODEX_CA_CERTIFICATE", &*file.path()),
            (name, &proxy.url()),
        ];
        limits_at(&elsewhere(&backend, NAME), &environment)
            .await
            .unwrap();
        let asked = proxy.asked();
        assert_eq!(asked.len(), 1, "{name}");
        let port = backend.addr().port();
        assert!(
            asked[0].starts_with(&format!("CONNECT {NAME}:{port} ")),
            "{name}: {}",
            asked[0]
        );
        let head = asked[0].to_ascii_lowercase();
        assert!(
            !head.contains("bearer") && !head.contains("account-id"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn the_user_of_a_proxy_is_sent_to_it() {
    let authority = Authority::new("one");
    let (backend, file) = (authority.backend(), PemFile::new(&authority.pem()));
    let proxy = Proxy::start().await;
    let url = proxy.url().replace("http://", "http://ada:p%40ss@");
    let environment = [
        ("CODEX_CA_CERTIFICATE", &*file.path()),
        ("HTTPS_PROXY", &url),
    ];
    limits_at(&elsewhere(&backend, NAME), &environment)
        .await
        .unwrap();
    let head = proxy.asked()[0].to_ascii_lowercase();
    // ada:p@ss
    assert!(
        head.contains("proxy-authorization: basic ywrhonbac3m="),
        "{head}"
    );
}

#[tokio::test]
async fn no_proxy_is_honoured() {
    let authority = Authority::new("one");
    let (backend, file) = (authority.backend(), PemFile::new(&authority.pem()));
    let url = elsewhere(&backend, NAME);
    let with_port = url.trim_start_matches("https://");
    let mut failures = Vec::new();
    for (name, value) in [
        ("NO_PROXY", "example.com,.backend.example"),
        ("no_proxy", "*"),
        ("NO_PROXY", "BACKEND.example"),
        ("NO_PROXY", with_port),
    ] {
        let proxy = Proxy::start().await;
        let environment = [
            ("CODEX_CA_CERTIFICATE", &*file.path()),
            ("HTTPS_PROXY", &proxy.url()),
            (name, value),
        ];
        // The host has no DNS entry, so a direct call fails: it counts that it was direct.
        let failed = limits_at(&url, &environment).await;
        assert_eq!(proxy.asked(), [""; 0], "{name}={value}");
        failures.push(failed.unwrap_err());
    }
    for failed in failures {
        assert!(failed.message.contains("(DNS)"), "{failed:?}");
    }
}

#[tokio::test]
async fn what_no_proxy_does_not_name_goes_through_the_proxy() {
    let authority = Authority::new("one");
    let (backend, file) = (authority.backend(), PemFile::new(&authority.pem()));
    for (host, value) in [
        (NAME, "example.com,.example.com"),
        (NAME, "*.backend.example"),
        (NAME, "end.example"),
        (NAME, "backend.example:1"),
        (NAME, "192.0.2.0/24,0.0.0.0/0"),
        (NAME, "backend.*"),
        (ADDRESS, "192.0.2.11,192.0.2"),
        (ADDRESS, "192.0.2.1:1"),
        (ADDRESS, "198.51.100.0/24,192.0.2.1/99"),
        (ADDRESS, "192.0.2.*"),
    ] {
        let proxy = Proxy::start().await;
        let environment = [
            ("CODEX_CA_CERTIFICATE", &*file.path()),
            ("HTTPS_PROXY", &proxy.url()),
            ("NO_PROXY", value),
        ];
        let read = limits_at(&elsewhere(&backend, host), &environment).await;
        read.unwrap_or_else(|failed| panic!("{host} NO_PROXY={value}: {failed:?}"));
        assert_eq!(proxy.asked().len(), 1, "{host} NO_PROXY={value}");
    }
}

/// Behind SOCKS this machine has to be listed, so the direct call can succeed without a network.
#[tokio::test]
async fn no_proxy_takes_addresses_networks_ports_names_and_a_star() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let port = backend.addr().port();
    for (host, value, is_direct) in [
        ("127.0.0.1", "*".to_owned(), true),
        ("127.0.0.1", "127.0.0.1".to_owned(), true),
        ("127.0.0.1", "a.example, 127.0.0.1".to_owned(), true),
        ("127.0.0.1", "127.0.0.0/8".to_owned(), true),
        ("127.0.0.1", "::ffff:127.0.0.1".to_owned(), true),
        ("127.0.0.1", format!("127.0.0.1:{port}"), true),
        ("127.0.0.1", "127.0.0.1:1".to_owned(), false),
        ("127.0.0.1", "127.0.0.2,127.0.0".to_owned(), false),
        ("127.0.0.1", "10.0.0.0/8".to_owned(), false),
        ("127.0.0.1", "127.0.0.1/99".to_owned(), false),
        ("127.0.0.1", "localhost".to_owned(), false),
        ("localhost", "localhost".to_owned(), true),
        ("localhost", ".localhost".to_owned(), true),
        ("localhost", format!("LOCALHOST:{port}"), true),
        ("localhost", "*.localhost".to_owned(), false),
        ("localhost", "host".to_owned(), false),
        ("localhost", "localhost:1".to_owned(), false),
        ("a.localhost", ".localhost".to_owned(), true),
        ("a.localhost", "*.localhost".to_owned(), true),
        ("a.localhost", format!("localhost:{port}"), true),
    ] {
        let socks = Socks::start().await;
        let environment = [("ALL_PROXY", &*socks.url("socks5h")), ("NO_PROXY", &value)];
        backend.clear_requests();
        let read = limits_at(&elsewhere(&backend, host), &environment).await;
        assert_eq!(read.is_ok(), is_direct, "{host} NO_PROXY={value}: {read:?}");
        assert_eq!(backend.count(Route::Usage), usize::from(is_direct));
        if let Err(failed) = read {
            assert!(failed.message.contains("SOCKS"), "{failed:?}");
        }
        assert!(socks.asked().is_empty(), "{host} NO_PROXY={value}");
    }
}

#[tokio::test]
async fn this_machine_is_never_reached_through_a_proxy() {
    let authority = Authority::new("one");
    let file = PemFile::new(&authority.pem());
    let plain = DevBackend::start(Options::new()).unwrap();
    let encrypted = authority.backend();
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = Proxy::start().await;
        limits(&plain, &[(name, &proxy.url())]).await.unwrap();
        let url = elsewhere(&plain, "localhost");
        limits_at(&url, &[(name, &proxy.url())]).await.unwrap();
        assert_eq!(proxy.asked(), [""; 0], "{name}");
    }
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = Proxy::start().await;
        let roots = ("SSL_CERT_FILE", &*file.path());
        limits(&encrypted, &[roots, (name, &proxy.url())])
            .await
            .unwrap();
        assert_eq!(proxy.asked(), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn an_issuer_on_this_machine_is_never_reached_through_a_proxy() {
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        let (issuer, proxy) = (Issuer::start().await, Proxy::start().await);
        let setup = issuer.set_up(Setup::default().environment(name, &proxy.url()));
        let mut server = setup.start();
        let mut host = byokey_tests::Host::initialized(&mut server).await;
        let login = json!({"type": "personalAccessToken", "accessToken": "at-made-up-token"});
        host.request("account/login/start", login).await.unwrap();
        assert_eq!(issuer.asked(Ask::Whoami).len(), 1, "{name}");
        assert_eq!(proxy.asked(), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn socks_is_spoken() {
    let authority = Authority::new("one");
    let (backend, file) = (authority.backend(), PemFile::new(&authority.pem()));
    for (scheme, host) in [
        ("socks5h", NAME),
        ("socks5", ADDRESS),
        ("socks4a", NAME),
        ("socks4", ADDRESS),
    ] {
        let socks = Socks::start().await;
        let environment = [
            ("CODEX_CA_CERTIFICATE", &*file.path()),
            ("ALL_PROXY", &socks.url(scheme)),
        ];
        let url = elsewhere(&backend, host);
        limits_at(&url, &environment)
            .await
            .unwrap_or_else(|failed| panic!("{scheme}: {failed:?}"));
        assert_eq!(socks.asked(), [host], "{scheme}");
    }
    assert_eq!(backend.count(Route::Usage), 4);
}

#[tokio::test]
async fn this_machine_behind_socks_has_to_be_named_in_no_proxy() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let socks = Socks::start().await;
    let proxy = ("ALL_PROXY", &*socks.url("socks5h"));
    let failed = limits(&backend, &[proxy]).await.unwrap_err();
    for part in ["ALL_PROXY", "SOCKS", "NO_PROXY"] {
        assert!(failed.message.contains(part), "{failed:?}");
    }
    assert!(backend.requests().is_empty() && socks.asked().is_empty());
    limits(&backend, &[proxy, ("NO_PROXY", "127.0.0.0/8")])
        .await
        .unwrap();
    assert!(socks.asked().is_empty());
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_stops_the_call() {
    let backend = DevBackend::start(Options::new()).unwrap();
    for (name, value, part) in [
        ("http_proxy", "\"http://127.0.0.1:1\"", "quotation marks"),
        ("http_proxy", " http://127.0.0.1:1", "white space"),
        ("http_proxy", "http://[::1", "host"),
        ("HTTP_PROXY", "http://127.0.0.1:99999", "port"),
        ("ALL_PROXY", "socks://127.0.0.1:1", "socks5h://"),
        ("all_proxy", "nonsense://127.0.0.1:1", "scheme"),
        ("HTTP_PROXY", "http://127.0.0.1:1/proxy.pac", "PAC"),
        ("HTTP_PROXY", "ntlm://127.0.0.1:1", "NTLM"),
    ] {
        let failed = limits(&backend, &[(name, value)]).await.unwrap_err();
        assert!(failed.message.contains(&format!(": {name} ")), "{failed:?}");
        assert!(failed.message.contains(part), "{failed:?}");
        assert!(!failed.message.contains(value), "{failed:?}");
        assert_ne!(failed.kind(), "retryable", "{failed:?}");
    }
    assert!(backend.requests().is_empty(), "the proxy was passed by");
    // Other calls continue.
    limits(&backend, &[("HTTPS_PROXY", "nonsense://x")])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let backend = Authority::new("one").backend();
    let gone = Proxy::start().await.url();
    let url = elsewhere(&backend, NAME);
    let failed = limits_at(&url, &[("HTTPS_PROXY", &gone)])
        .await
        .unwrap_err();
    assert_eq!(failed.kind(), "unreachable");
    for part in ["the proxy of HTTPS_PROXY", "refused the connection"] {
        assert!(failed.message.contains(part), "{failed:?}");
    }
    assert!(backend.requests().is_empty(), "the proxy was passed by");
}

#[tokio::test]
async fn a_proxy_that_wants_another_user_is_no_passing_failure() {
    let backend = Authority::new("one").backend();
    for (user, part) in [("", "user:password@"), ("ada:made-up@", "did not accept")] {
        let proxy = Proxy::answering(
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\n\r\n",
        );
        let proxy = proxy.await;
        let address = proxy.url().replace("http://", &format!("http://{user}"));
        let url = elsewhere(&backend, NAME);
        let failed = limits_at(&url, &[("HTTPS_PROXY", &address)]).await;
        let failed = failed.unwrap_err();
        for part in ["the proxy of HTTPS_PROXY", "407", "NTLM", "Negotiate", part] {
            assert!(failed.message.contains(part), "{failed:?}");
        }
        assert_eq!(failed.kind(), "unreachable");
        assert_eq!(proxy.asked().len(), 1, "it was asked again");
    }
}

#[tokio::test]
async fn a_proxy_that_opens_no_tunnel_is_named() {
    let backend = Authority::new("one").backend();
    let proxy = Proxy::answering("HTTP/1.1 403 Forbidden\r\n\r\n").await;
    let url = elsewhere(&backend, NAME);
    let failed = limits_at(&url, &[("HTTPS_PROXY", &proxy.url())]).await;
    let failed = failed.unwrap_err();
    let text = format!("the proxy of HTTPS_PROXY did not open a connection to {NAME}");
    assert!(failed.message.contains(&text), "{failed:?}");
    assert_eq!(failed.kind(), "unreachable");
}

#[tokio::test]
async fn under_cgi_http_proxy_is_a_header_of_a_stranger() {
    let proxy = Proxy::start().await;
    let setup = Setup::default()
        .config("chatgpt_base_url = \"http://127.0.0.1:9/backend-api\"")
        .environment("REQUEST_METHOD", "GET")
        .environment("HTTP_PROXY", "nonsense://x");
    let (_server, mut host) = signed_in(setup).await;
    let read = host.request("account/rateLimits/read", json!({})).await;
    assert_eq!(read.unwrap_err().kind(), "unreachable");
    assert_eq!(proxy.asked(), [""; 0]);
}
