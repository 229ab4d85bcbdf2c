//! When one is opened, and what takes it.

use byokey_dev_backend::Route;
use byokey_tests::command::run;
use byokey_tests::gateway::{Client, TURN};
use byokey_tests::server::mock_provider;
use byokey_tests::tls::Http;
use byokey_tests::turns::{begin_turn, turn};
use byokey_tests::{Home, Host, Setup};
use serde_json::json;

use super::{Certified, HTTPS, LIMITS, limits, login, opened, until};

#[tokio::test]
async fn a_call_after_a_login_goes_over_the_connection_opened_by_then() {
    for http in HTTPS {
        let certified = Certified::new(http);
        let backend = certified.backend();
        let (_server, mut host) = certified.signed_in(&backend.base_url()).await;
        opened(&backend, 1).await;
        let gate = backend.hold(Route::Usage);
        let call = host.start(LIMITS, json!({})).await;
        backend.wait_for(Route::Usage, 1).await;
        assert_eq!(backend.connections().accepted, 1, "{http:?}: another one");
        drop(gate);
        host.answer(call).await.unwrap();
        // It was of use, so there is another, over a resumed session; the first is closed.
        let after = until(&backend, "after a call", |it| {
            it.handshakes == 2 && it.open == 1
        })
        .await;
        assert_eq!((after.accepted, after.resumed), (2, 1), "{http:?}");
        limits(&mut host).await;
        opened(&backend, 3).await;
        assert_eq!(backend.count(Route::Usage), 2);
    }
}

#[tokio::test]
async fn a_turn_takes_one_and_leaves_one() {
    for http in HTTPS {
        let certified = Certified::new(http);
        let backend = certified.backend();
        let (_server, mut host) = certified.signed_in(&backend.base_url()).await;
        opened(&backend, 1).await;
        let gate = backend.hold(Route::Responses);
        begin_turn(&mut host).await;
        backend.wait_for(Route::Responses, 1).await;
        assert_eq!(backend.connections().accepted, 1, "{http:?}");
        drop(gate);
        let completed = host.notification("turn/completed").await;
        assert_eq!(completed["turn"]["status"], "completed");
        until(&backend, "after a turn", |it| {
            it.handshakes == 2 && it.open == 1
        })
        .await;
    }
}

#[tokio::test]
async fn the_second_turn_through_a_gateway_takes_one_opened_ahead() {
    for http in HTTPS {
        let certified = Certified::new(http);
        let backend = certified.backend();
        let (_server, mut host) = certified.signed_in(&backend.base_url()).await;
        opened(&backend, 1).await;
        let started = host.request("gateway/start", json!({})).await.unwrap();
        let [url, bearer] = ["url", "bearer"].map(|member| started[member].as_str().unwrap());
        let client = Client::new(url, bearer);
        assert_eq!(client.post("/v1/responses", TURN).await.status, 200);
        let ahead = until(&backend, "after a turn", |it| {
            it.handshakes == 2 && it.open == 1
        })
        .await;
        let gate = backend.hold(Route::Responses);
        let (answer, during) = tokio::join!(client.post("/v1/responses", TURN), async {
            backend.wait_for(Route::Responses, 2).await;
            let during = backend.connections();
            drop(gate);
            during
        });
        assert_eq!(during.accepted, ahead.accepted, "{http:?}: another one");
        assert_eq!(answer.status, 200, "{http:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_turn_that_found_none_leaves_one() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    let (_server, mut host) = certified.signed_in(&backend.base_url()).await;
    opened(&backend, 1).await;
    // Both at once: one of them has a connection of its own.
    let gate = backend.hold(Route::Usage);
    let call = host.start(LIMITS, json!({})).await;
    backend.wait_for(Route::Usage, 1).await;
    assert_eq!(turn(&mut host).await["status"], "completed");
    opened(&backend, 3).await;
    drop(gate);
    host.answer(call).await.unwrap();
    until(&backend, "one is enough", |it| it.open == 1).await;
    assert_eq!(backend.connections().accepted, 3);
}

#[tokio::test]
async fn a_renewal_of_the_same_account_keeps_the_tickets() {
    let certified = Certified::new(Http::One);
    let steps = json!([{"status": 401}, {}]);
    let backend = certified.backend_with(super::script(json!({"routes": {"usage": steps}})));
    let (_server, mut host) = certified.signed_in(&backend.base_url()).await;
    opened(&backend, 1).await;
    let call = host.start(LIMITS, json!({})).await;
    let (id, _) = host.asked("account/chatgptAuthTokens/refresh").await;
    let token = byokey_dev_backend::TestToken::new("ada").encode();
    let tokens = json!({"accessToken": token, "chatgptAccountId": "ws-ada"});
    host.respond(&id, tokens).await;
    host.answer(call).await.unwrap();
    let after = opened(&backend, 3).await;
    assert_eq!(after.resumed, 2);
}

#[tokio::test]
async fn a_setting_switches_them_off() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    let off = ["byokey.standby_connections=false"];
    let (_server, mut host) = certified.program(&backend.base_url(), &off).await;
    login(&mut host, "ada").await;
    for calls in 1..=3 {
        limits(&mut host).await;
        assert_eq!(turn(&mut host).await["status"], "completed");
        let (made, expected) = (backend.connections().accepted, 2 * calls);
        assert_eq!(made, expected, "one for each call");
    }
}

#[tokio::test]
async fn a_signed_out_server_has_none() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    // Its turns carry a key of the provider, so they need no login.
    let mut setup = Setup::default()
        .config(&mock_provider(&backend.base_url()))
        .environment("CODEX_CA_CERTIFICATE", certified.path())
        .environment("MADE_UP_KEY", "sk-made-up");
    for setting in ["env_key=MADE_UP_KEY", "requires_openai_auth=false"] {
        let setting = format!("model_providers.mock.{setting}");
        setup = setup.argument("-c").argument(&setting);
    }
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    for turns in 1..=3 {
        assert_eq!(turn(&mut host).await["status"], "completed");
        until(&backend, "a turn", |it| it.open == 0).await;
        assert_eq!(backend.connections().accepted, turns, "one for each turn");
    }
}

#[tokio::test]
async fn without_encryption_there_are_none() {
    let backend = byokey_tests::turns::backend();
    let (_server, mut host) = byokey_tests::turns::signed_in(&backend, &[]).await;
    for calls in 1..=3 {
        limits(&mut host).await;
        assert_eq!(turn(&mut host).await["status"], "completed");
        assert_eq!(backend.connections().accepted, 2 * calls);
    }
}

#[tokio::test]
async fn a_command_that_ends_opens_none() {
    let certified = Certified::new(Http::One);
    let backend = certified.backend();
    let home = Home::new(&mock_provider(&backend.base_url()));
    let environment = [
        ("CODEX_CA_CERTIFICATE", certified.path()),
        ("BYOKEY_STORE", "file"),
    ];
    for (arguments, input) in [
        (&["login", "--with-api-key"][..], "sk-made-up\n"),
        (&["status"], ""),
        (&["logout"], ""),
    ] {
        let ended = run(&home, arguments, &environment, input).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
    }
    assert_eq!(backend.connections().accepted, 0);
}
