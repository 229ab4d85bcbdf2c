//! Where a secret may be sent: over an encrypted connection, or within this machine.

use byokey_dev_backend::{DevBackend, Options, Route, Script};
use byokey_tests::{Host, Setup, tools};
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

/// The keys of a provider, and the header in which each arrives.
const KEYS: [(&str, &str, &str); 2] = [
    (
        "experimental_bearer_token = \"made-up\"",
        "authorization",
        "Bearer made-up",
    ),
    (
        "http_headers = { x-api-key = \"made-up\" }",
        "x-api-key",
        "made-up",
    ),
];

/// Returns the ways to name this origin, each with the setup of a provider there.
fn naming(url: &str, key: &str) -> [Setup; 2] {
    let table = format!("[byokey]\nplaintext_origins = [\"{url}\"]");
    [
        provider(url, key).environment("BYOKEY_PLAINTEXT_ORIGINS", url),
        provider(url, key).config(&table),
    ]
}

/// A backend that takes any key.
fn backend() -> DevBackend {
    let script = Script::from_value(json!({"allowAnonymous": true})).unwrap();
    DevBackend::start(Options::new().script(script)).unwrap()
}

/// The key arrives at the backend.
async fn arrives(setup: Setup, backend: &DevBackend, (_, header, value): (&str, &str, &str)) {
    backend.clear_requests();
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let ended = turn(&mut host).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let request = backend.requests_to(Route::Responses).pop().unwrap();
    assert_eq!(request.header(header), Some(value));
}

#[tokio::test]
async fn the_key_arrives_at_an_origin_in_clear_that_the_user_named() {
    let backend = backend();
    // It leads to this machine, and is not an address of it: any other machine is like that.
    let url = elsewhere(&backend, "0.0.0.0");
    for key in KEYS {
        for setup in naming(&url, key.0) {
            arrives(setup, &backend, key).await;
        }
        // Without the exception, or with that of another port, it does not.
        backend.clear_requests();
        let other = "http://0.0.0.0:1";
        for setup in [
            provider(&url, key.0),
            provider(&url, key.0).environment("BYOKEY_PLAINTEXT_ORIGINS", other),
        ] {
            let mut server = setup.start();
            let mut host = Host::initialized(&mut server).await;
            let failed = turn(&mut host).await["error"]["message"].take();
            let failed = failed.as_str().unwrap();
            assert!(failed.contains("plaintext_origins"), "{failed}");
        }
        assert_eq!(backend.requests().len(), 0, "{}", key.0);
    }
}

#[tokio::test]
async fn the_key_arrives_at_a_name_in_clear_that_the_user_named() {
    if !tools::has_mount_namespaces() {
        return;
    }
    let (backend, folder) = (backend(), tempfile::tempdir().unwrap());
    let hosts = folder.path().join("hosts");
    #[expect(clippy::disallowed_methods, reason = "the test plays the system")]
    std::fs::write(&hosts, "127.0.0.1 localhost litellm\n").unwrap();
    // The file of the system is another one for the program alone.
    let script = format!(
        "mount --bind '{}' /etc/hosts && exec \"$0\" \"$@\"",
        hosts.display()
    );
    let wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", &script];
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let url = elsewhere(&backend, "litellm");
    for key in KEYS {
        for setup in naming(&url, key.0) {
            let setup = setup.wrapper(&wrapper).environment("PATH", path);
            arrives(setup, &backend, key).await;
        }
    }
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
