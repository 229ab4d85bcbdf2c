//! The calls of a login to its issuer: where they may go, and which proxies they use.

use byokey_dev_backend::Route;
use byokey_tests::issuer::{Ask, Issuer, access_token};
use byokey_tests::shared_store::SharedStore;
use byokey_tests::{Host, Setup};
use serde_json::json;

use super::authority::Authority;
use super::proxy::Proxy;
use super::{NAME, PemFile, elsewhere};

const START: &str = "account/login/start";
/// Another machine. Only a proxy of these tests could be asked for it.
const ELSEWHERE: &str = "http://issuer.example:8080";

/// Every call of a login's life: a code for another device, the question whether its user is done,
/// the exchange, a renewal, and the end.
async fn live(setup: Setup) {
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let device = json!({"type": "chatgptDeviceCode"});
    host.request(START, device).await.unwrap();
    let completed = host.notification("account/login/completed").await;
    assert_eq!(completed["success"], true, "{completed}");
    let renewed = json!({"refreshToken": true});
    let status = host.request("getAuthStatus", renewed).await.unwrap();
    assert_eq!(status["authMethod"], "chatgpt", "{status}");
    host.request("account/logout", json!({})).await.unwrap();
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn no_call_to_an_issuer_on_this_machine_goes_through_a_proxy() {
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        let (issuer, proxy) = (Issuer::start().await, Proxy::start().await);
        let setup = Setup::default().environment(name, &proxy.url());
        live(issuer.set_up(setup)).await;
        for ask in [
            Ask::UserCode,
            Ask::DevicePoll,
            Ask::Code,
            Ask::Refresh,
            Ask::Revoke,
        ] {
            assert_eq!(issuer.asked(ask).len(), 1, "{name} {ask:?}");
        }
        assert_eq!(proxy.asked(), [""; 0], "{name}");
    }
    let authority = Authority::new("one");
    let file = PemFile::new(&authority.pem());
    for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        let (issuer, proxy) = (authority.backend(), Proxy::start().await);
        let setup = Setup::default()
            .environment("CODEX_APP_SERVER_LOGIN_ISSUER", &issuer.base_url())
            .environment("SSL_CERT_FILE", &file.path())
            .environment(name, &proxy.url());
        live(setup).await;
        assert_eq!(issuer.count(Route::Token), 2, "{name}");
        assert_eq!(proxy.asked(), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn each_call_to_another_machine_goes_through_the_proxy() {
    let authority = Authority::new("one");
    let file = PemFile::new(&authority.pem());
    for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        let (issuer, proxy) = (authority.backend(), Proxy::start().await);
        // The name has no DNS entry: each call that arrives came through the proxy.
        let setup = Setup::default()
            .environment("CODEX_APP_SERVER_LOGIN_ISSUER", &elsewhere(&issuer, NAME))
            .environment("SSL_CERT_FILE", &file.path())
            .environment(name, &proxy.url());
        live(setup).await;
        for (route, least) in [
            (Route::DeviceCode, 1),
            (Route::DevicePoll, 1),
            (Route::Token, 2),
            (Route::Revoke, 1),
        ] {
            assert!(issuer.count(route) >= least, "{name} {route:?}");
        }
        let tunnel = format!("CONNECT {NAME}:");
        let asked = proxy.asked();
        assert_eq!(asked.len(), issuer.requests().len(), "{name}");
        for head in asked {
            assert!(head.starts_with(&tunnel), "{name} {head}");
            let head = head.to_ascii_lowercase();
            assert!(
                !head.contains("bearer") && !head.contains("made-up"),
                "{head}"
            );
        }
    }
}

/// A proxy that is named for it could see a login in clear.
#[tokio::test]
async fn no_login_begins_at_an_issuer_that_is_reached_in_clear() {
    let proxy = Proxy::start().await;
    let setup = Setup::default()
        .environment("CODEX_APP_SERVER_LOGIN_ISSUER", ELSEWHERE)
        .environment("BYOKEY_PLAINTEXT_ORIGINS", ELSEWHERE)
        .environment("http_proxy", &proxy.url());
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let refused = "`CODEX_APP_SERVER_LOGIN_ISSUER` must be an https:// URL";
    for login in [
        json!({"type": "chatgpt"}),
        json!({"type": "chatgptDeviceCode"}),
        json!({"type": "personalAccessToken", "accessToken": "at-made-up-token"}),
    ] {
        let failed = host.request(START, login).await.unwrap_err();
        assert!(failed.message.contains(refused), "{failed:?}");
    }
    assert_eq!(proxy.asked(), [""; 0]);
}

#[tokio::test]
async fn no_refresh_token_goes_to_an_address_that_is_reached_in_clear() {
    let refresh = "CODEX_REFRESH_TOKEN_URL_OVERRIDE";
    let revoke = "CODEX_REVOKE_TOKEN_URL_OVERRIDE";
    for (variable, renews) in [(refresh, false), (revoke, true)] {
        let (shared, proxy) = (SharedStore::new().await, Proxy::start().await);
        shared.keep(&access_token(90), "rt-old");
        shared.backend.reject_bearer(access_token(90));
        let setup = Setup::default()
            .environment(variable, &format!("{ELSEWHERE}/oauth"))
            .environment("http_proxy", &proxy.url());
        let (server, mut host) = shared.start_with(setup).await;
        let read = host.request("account/usage/read", json!({})).await;
        assert_eq!(read.is_ok(), renews, "{variable} {read:?}");
        if let Err(failed) = read {
            assert!(failed.message.contains(variable), "{failed:?}");
            assert_eq!(shared.kept()["tokens"]["refresh_token"], "rt-old");
        }
        host.request("account/logout", json!({})).await.unwrap();
        server.log_with("did not revoke the login").await;
        assert!(!shared.file().exists());
        assert!(shared.issuer.asked(Ask::Revoke).is_empty(), "{variable}");
        assert_eq!(proxy.asked(), [""; 0], "{variable}");
    }
}
