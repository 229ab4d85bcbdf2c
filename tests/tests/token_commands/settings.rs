//! How long a token is used, and what is refused in the settings.

use byokey_dev_backend::Route;
use byokey_tests::turns::{backend, begin_turn, turn};
use serde_json::json;

use crate::helper::{Helper, PROVIDER, failure, provider, start};

async fn runs_for_turns(more: &str, turns: usize) -> usize {
    let backend = backend();
    let helper = Helper::printing("made-up-token");
    let (_server, mut host) = start(helper.setup(&backend, more)).await;
    for _ in 0..turns {
        assert_eq!(turn(&mut host).await["status"], "completed");
    }
    helper.runs()
}

#[tokio::test]
async fn a_token_is_used_until_its_interval_is_over() {
    assert_eq!(runs_for_turns("", 4).await, 1, "five minutes by default");
    let never = ", refresh_interval_ms=0";
    assert_eq!(runs_for_turns(never, 4).await, 1, "only after a 401");
    let at_once = ", refresh_interval_ms=1";
    assert_eq!(runs_for_turns(at_once, 4).await, 4);
}

#[tokio::test]
async fn a_401_runs_the_command_again_and_the_call_once_more() {
    for more in ["", ", refresh_interval_ms=0"] {
        let backend = backend();
        let helper = Helper::printing("made-up-old");
        let (_server, mut host) = start(helper.setup(&backend, more)).await;
        assert_eq!(turn(&mut host).await["status"], "completed");
        backend.reject_bearer("made-up-old");
        helper.print("made-up-new");
        let begun = begin_turn(&mut host).await;
        for method in ["authRecoveryStarted", "authRecoveryCompleted"] {
            let reported = host.notification(&format!("modelProvider/{method}")).await;
            assert_eq!(reported["provider"], PROVIDER);
            assert_eq!(reported["turnId"], begun["turnId"]);
        }
        let ended = host.notification("turn/completed").await;
        assert_eq!(ended["turn"]["status"], "completed", "{ended}");
        let requests = backend.requests_to(Route::Responses);
        let bearers: Vec<_> = requests.iter().map(|it| it.bearer().unwrap()).collect();
        assert_eq!(bearers, ["made-up-old", "made-up-old", "made-up-new"]);
        assert_eq!(helper.runs(), 2);
    }
}

#[tokio::test]
async fn a_second_401_is_final() {
    let backend = backend();
    let helper = Helper::printing("made-up-refused");
    let (_server, mut host) = start(helper.setup(&backend, "")).await;
    backend.reject_bearer("made-up-refused");
    let ended = turn(&mut host).await;
    assert_eq!(ended["status"], "failed");
    assert_eq!(
        ended["error"]["codexErrorInfo"]["httpConnectionFailed"]["httpStatusCode"],
        401
    );
    assert_eq!((helper.runs(), backend.count(Route::Responses)), (2, 2));
}

#[tokio::test]
async fn the_list_of_models_is_read_with_it_too() {
    let backend = backend();
    let helper = Helper::printing("made-up-old");
    let (_server, mut host) = start(helper.setup(&backend, "")).await;
    backend.reject_bearer("made-up-old");
    helper.set("cat \"$here/token\"; printf made-up-new >\"$here/token\"");
    let list = host.request("model/list", json!({})).await.unwrap();
    assert!(!list["data"].as_array().unwrap().is_empty());
    let requests = backend.requests_to(Route::Models);
    let bearers: Vec<_> = requests.iter().map(|it| it.bearer().unwrap()).collect();
    assert_eq!(bearers, ["made-up-old", "made-up-new"]);
}

#[tokio::test]
async fn another_credential_beside_it_is_refused_in_codexs_words() {
    let backend = backend();
    let helper = Helper::printing("made-up-token");
    let beside = |names: &str| format!("provider auth cannot be combined with {names}");
    for (settings, words) in [
        (&["env_key=\"PATH\""][..], beside("env_key")),
        (
            &["experimental_bearer_token=\"made-up-key\""],
            beside("experimental_bearer_token"),
        ),
        (
            &["requires_openai_auth=true"],
            beside("requires_openai_auth"),
        ),
        (
            &["requires_openai_auth=true", "env_key=\"PATH\""],
            beside("env_key, requires_openai_auth"),
        ),
    ] {
        let auth = helper.auth("");
        let settings = [&[&*auth], settings].concat();
        let (_server, mut host) = start(provider(&backend, &settings)).await;
        let refused = host.request("thread/start", json!({})).await.unwrap_err();
        assert_eq!(refused.kind(), "configurationInvalid");
        assert!(refused.message.contains(&words), "{}", refused.message);
    }
    assert_eq!((helper.runs(), backend.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_bearer_of_the_host_is_refused_beside_it() {
    let backend = backend();
    let helper = Helper::printing("made-up-token");
    let (_server, mut host) = start(helper.setup(&backend, "")).await;
    let login = json!({
        "type": "bearerToken",
        "token": "made-up-bearer-of-the-host",
        "origin": backend.base_url(),
    });
    let refused = host.request("account/login/start", login).await;
    assert_eq!(refused.unwrap_err().kind(), "loginDisabled");
}

/// The process that runs commands has the list of its start, and takes no other.
#[tokio::test]
async fn a_command_that_came_after_the_start_is_not_run() {
    let backend = backend();
    let helper = Helper::printing("made-up-token");
    let broken = "model_providers = [";
    let mut server = byokey_tests::Setup::default().config(broken).start();
    let mut host = byokey_tests::Host::initialized(&mut server).await;
    host.request("thread/start", json!({})).await.unwrap_err();
    let settings = byokey_tests::Setup::default().backend(&backend);
    let repaired = settings
        .settings()
        .replace("requires_openai_auth = true", &helper.auth(""));
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    std::fs::write(server.home.codex_home().join("config.toml"), repaired).unwrap();
    let ended = turn(&mut host).await;
    let (kind, text) = failure(&ended);
    assert_eq!(kind, "configurationInvalid");
    assert!(text.contains("restart the server"), "{text}");
    assert_eq!((helper.runs(), backend.count(Route::Responses)), (0, 0));
}
