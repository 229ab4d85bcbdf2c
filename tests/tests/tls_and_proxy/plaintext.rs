//! Where a secret may be sent: over an encrypted connection, or within this machine.

use byokey_dev_backend::{DevBackend, Options};
use byokey_tests::{Host, Setup};
use serde_json::{Value, json};

use super::proxy::Proxy;
use super::{elsewhere, limits_at, signed_in};

/// Returns the setup of a provider with its own key.
fn provider(url: &str, key: &str) -> Setup {
    Setup::default().config(&format!(
        "model = \"m\"\nmodel_provider = \"relay\"\n[model_providers.relay]\nname = \"Relay\"\n\
         base_url = \"{url}/v1\"\nrequest_max_retries = 0\nstream_max_retries = 0\n{key}"
    ))
}

async fn turn(host: &mut Host) -> Value {
    let thread = host.request("thread/start", json!({})).await.unwrap();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread["thread"]["id"], "input": input});
    host.request("turn/start", params).await.unwrap();
    host.notification("turn/completed").await["turn"].take()
}

#[tokio::test]
async fn a_login_is_never_sent_in_clear_to_another_machine() {
    for host in [
        "relay.example",
        "127.0.0.1.example",
        "localhost.example",
        "192.0.2.1",
        "0.0.0.0",
    ] {
        let proxy = Proxy::start().await;
        let url = format!("http://{host}:8080");
        for environment in [&[("http_proxy", &*proxy.url())][..], &[]] {
            let failed = limits_at(&url, environment).await.unwrap_err();
            assert_eq!(proxy.asked(), [""; 0], "{host}");
            assert_eq!(failed.kind(), "plaintextRefused", "{failed:?}");
            assert!(failed.message.contains(&url), "{failed:?}");
            assert!(failed.message.contains("https://"), "{failed:?}");
        }
    }
}

#[tokio::test]
async fn no_exception_is_made_for_a_login() {
    let url = "http://relay.example:8080";
    let proxy = Proxy::start().await;
    let (exception, by_proxy) = (("BYOKEY_PLAINTEXT_ORIGINS", url), proxy.url());
    for environment in [&[exception, ("http_proxy", &*by_proxy)][..], &[exception]] {
        let failed = limits_at(url, environment).await.unwrap_err();
        assert_eq!(proxy.asked(), [""; 0]);
        assert_eq!(failed.kind(), "plaintextRefused", "{failed:?}");
    }
    let setup = Setup::default()
        .config(&byokey_tests::server::mock_provider(url))
        .environment("BYOKEY_PLAINTEXT_ORIGINS", url)
        .environment("http_proxy", &by_proxy);
    let (_server, mut host) = signed_in(setup).await;
    let failed = turn(&mut host).await["error"]["message"].take();
    assert_eq!(proxy.asked(), [""; 0]);
    let failed = failed.as_str().unwrap();
    assert!(
        failed.contains("the login's secret was not sent"),
        "{failed}"
    );
}

#[tokio::test]
async fn this_machine_needs_no_encryption() {
    let backend = DevBackend::start(Options::new()).unwrap();
    for host in ["127.0.0.1", "localhost", "api.localhost"] {
        limits_at(&elsewhere(&backend, host), &[]).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_of_the_provider_stays_here_unless_its_origin_is_named() {
    let url = "http://relay.example:8080";
    for key in [
        "experimental_bearer_token = \"made-up\"",
        "http_headers = { x-api-key = \"made-up\" }",
    ] {
        let proxy = Proxy::start().await;
        let setup = provider(url, key).environment("HTTP_PROXY", &proxy.url());
        let mut server = setup.start();
        let mut host = Host::initialized(&mut server).await;
        let failed = turn(&mut host).await["error"]["message"].take();
        assert_eq!(proxy.asked(), [""; 0], "{key}");
        let failed = failed.as_str().unwrap();
        let line = format!("`plaintext_origins = [\"{url}\"]` under `[byokey]`");
        assert!(failed.contains(&line), "{failed}");
    }
}

#[tokio::test]
async fn an_origin_that_the_user_named_is_reported_and_gets_the_key() {
    // The host has no DNS entry: it counts that the call was attempted.
    let url = "http://litellm.invalid:4000";
    let setup = provider(url, "experimental_bearer_token = \"made-up\"");
    let mut server = setup.environment("BYOKEY_PLAINTEXT_ORIGINS", url).start();
    let mut host = Host::new(&mut server);
    let initialized = host.introduce("test", json!({})).await;
    assert_eq!(initialized["plaintextOrigins"], json!([url]));
    let failed = turn(&mut host).await["error"]["message"].take();
    assert!(failed.as_str().unwrap().contains("(DNS)"), "{failed}");
    // Without the proxy's tunnel it could be read in transit.
    let proxy = Proxy::start().await;
    let setup = provider(url, "experimental_bearer_token = \"made-up\"")
        .environment("BYOKEY_PLAINTEXT_ORIGINS", url)
        .environment("HTTP_PROXY", &proxy.url());
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let failed = turn(&mut host).await["error"]["message"].take();
    assert!(failed.as_str().unwrap().contains("NO_PROXY"), "{failed}");
    assert_eq!(proxy.asked(), [""; 0]);
}

#[tokio::test]
async fn a_call_without_a_secret_goes_out_in_clear() {
    let proxy = Proxy::answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    let setup = provider("http://relay.example:8080", "");
    let mut server = setup.environment("HTTP_PROXY", &proxy.url()).start();
    let mut host = Host::initialized(&mut server).await;
    turn(&mut host).await;
    let asked = proxy.asked();
    let post = |head: &&String| head.starts_with("POST http://relay.example:8080/v1/responses ");
    assert!(asked.iter().any(|head| post(&head)), "{asked:?}");
}
