//! A conversation stays with the account that it began with: another connection's login does not
//! get it, not even through a retry of a turn in progress.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::issuer::answers;
use byokey_dev_backend::{DevBackend, Options, Route, Script, TestToken};
use byokey_tests::{Host, Listening, Setup};
use serde_json::{Value, json};

const REFRESH: &str = "account/chatgptAuthTokens/refresh";

/// Returns a token of that user. All have workspaces of the same name.
fn token(person: &str, number: u64) -> String {
    let person = TestToken {
        account: person.to_owned(),
        // The same text in every run.
        expires_at: 4_102_444_800,
        ..TestToken::new(person)
    };
    answers::access_token(&person, number)
}

async fn sign_in(host: &mut Host, person: &str, number: u64) {
    host.login(&token(person, number), person).await;
}

async fn thread(host: &mut Host) -> Value {
    let started = host.request("thread/start", json!({})).await;
    started.unwrap()["thread"]["id"].take()
}

fn turn(thread: &Value) -> Value {
    json!({"threadId": thread, "input": [{"type": "text", "text": "Hello"}]})
}

/// Returns the users with whose tokens the model was called.
fn asked_by(backend: &DevBackend) -> Vec<String> {
    let requests = backend.requests_to(Route::Responses);
    let people = ["ada", "bob"];
    let bearer = |text: &str| {
        let of = |person: &&str| (0..9).any(|number| token(person, number) == text);
        people.iter().copied().find(of).unwrap_or("another")
    };
    requests
        .iter()
        .map(|request| bearer(request.bearer().unwrap()).to_owned())
        .collect()
}

struct Scene {
    backend: DevBackend,
    _listening: Listening,
    owner: Host,
    other: Host,
    thread: Value,
}

/// A thread of Ada's, and another connection. The provider has `retries` retries.
async fn scene(retries: u32) -> Scene {
    let backend = DevBackend::start(Options::new()).unwrap();
    let setup = Setup::default().backend(&backend).argument("-c");
    let setup = setup.argument(&format!(
        "model_providers.mock.stream_max_retries={retries}"
    ));
    let listening = Listening::start(setup, "unix://").await;
    let mut owner = listening.unix_host().await;
    let other = listening.unix_host().await;
    sign_in(&mut owner, "ada", 1).await;
    let thread = thread(&mut owner).await;
    Scene {
        backend,
        _listening: listening,
        owner,
        other,
        thread,
    }
}

/// Reads the end of a turn that failed because the account is another one.
async fn fails_for_the_account(host: &mut Host) {
    let completed = host.notification("turn/completed").await;
    let turn = &completed["turn"];
    assert_eq!(turn["status"], "failed", "{completed}");
    assert_eq!(turn["error"]["kind"], "accountChanged", "{completed}");
    assert_eq!(turn["error"]["codexErrorInfo"], "other", "{completed}");
}

#[tokio::test]
async fn a_turn_that_waits_for_a_refresh_is_not_repeated_under_another_account() {
    let mut scene = scene(3).await;
    scene.backend.reject_bearer(token("ada", 1));
    let params = turn(&scene.thread);
    scene.owner.request("turn/start", params).await.unwrap();
    scene.owner.asked(REFRESH).await;
    sign_in(&mut scene.other, "bob", 1).await;
    fails_for_the_account(&mut scene.owner).await;
    assert_eq!(asked_by(&scene.backend), ["ada"]);

    // The next turn is refused before any of it is stored.
    let refused = scene.owner.request("turn/start", turn(&scene.thread)).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.code, refused.kind()), (-32600, "accountChanged"));
    let refused = scene.other.request("turn/start", turn(&scene.thread)).await;
    assert_eq!(refused.unwrap_err().kind(), "accountChanged");

    // Back under Ada's account, by any connection, it continues.
    scene.backend.accept_bearer(&token("ada", 1));
    sign_in(&mut scene.other, "ada", 2).await;
    let params = turn(&scene.thread);
    scene.owner.request("turn/start", params).await.unwrap();
    let completed = scene.owner.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed", "{completed}");
    assert_eq!(asked_by(&scene.backend), ["ada", "ada"]);
}

#[tokio::test]
async fn a_turn_whose_stream_broke_is_not_repeated_under_another_account() {
    let mut scene = scene(3).await;
    let begun = json!({"type": "response.created", "response": {"id": "resp-1"}});
    let script = json!({"routes": {"responses": [{"events": [begun], "drop": true}]}});
    let script = Script::from_value(script).unwrap();
    scene.backend.set_script(script);
    let gate = scene.backend.hold(Route::Responses);
    let params = turn(&scene.thread);
    scene.owner.request("turn/start", params).await.unwrap();
    gate.wait_for(1).await;
    sign_in(&mut scene.other, "bob", 1).await;
    gate.release();
    fails_for_the_account(&mut scene.owner).await;
    assert_eq!(asked_by(&scene.backend), ["ada"]);
}

#[tokio::test]
async fn the_owner_of_the_thread_takes_it_along_to_another_account() {
    // By its own answer to a refresh …
    let mut scene = scene(0).await;
    scene.backend.reject_bearer(token("ada", 1));
    let params = turn(&scene.thread);
    scene.owner.request("turn/start", params).await.unwrap();
    let (id, _) = scene.owner.asked(REFRESH).await;
    let tokens = json!({"accessToken": token("bob", 1), "chatgptAccountId": "bob"});
    scene.owner.respond(&id, tokens).await;
    let completed = scene.owner.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed", "{completed}");
    // … and by its own login. From then on it belongs to that account.
    sign_in(&mut scene.owner, "ada", 2).await;
    let params = turn(&scene.thread);
    scene.owner.request("turn/start", params).await.unwrap();
    scene.owner.notification("turn/completed").await;
    sign_in(&mut scene.other, "bob", 2).await;
    let refused = scene.owner.request("turn/start", turn(&scene.thread)).await;
    assert_eq!(refused.unwrap_err().kind(), "accountChanged");
    assert_eq!(asked_by(&scene.backend), ["ada", "bob", "ada"]);
}

/// While the turn waits for its answer to a refresh, the owner signs in to another account.
#[tokio::test]
async fn a_waiting_turn_goes_on_under_the_account_that_its_owner_signs_in_to() {
    let mut scene = scene(0).await;
    scene.backend.reject_bearer(token("ada", 1));
    let params = turn(&scene.thread);
    scene.owner.request("turn/start", params).await.unwrap();
    let (id, _) = scene.owner.asked(REFRESH).await;
    sign_in(&mut scene.owner, "bob", 1).await;
    let completed = scene.owner.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed", "{completed}");
    assert_eq!(asked_by(&scene.backend), ["ada", "bob"]);
    // The answer that comes too late changes nothing, and the thread is Bob's.
    let late = json!({"accessToken": token("ada", 2), "chatgptAccountId": "ada"});
    scene.owner.respond(&id, late).await;
    let params = turn(&scene.thread);
    scene.owner.request("turn/start", params).await.unwrap();
    let completed = scene.owner.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed", "{completed}");
    assert_eq!(asked_by(&scene.backend), ["ada", "bob", "bob"]);
    sign_in(&mut scene.other, "ada", 3).await;
    let refused = scene.owner.request("turn/start", turn(&scene.thread)).await;
    assert_eq!(refused.unwrap_err().kind(), "accountChanged");
}

#[tokio::test]
async fn another_key_is_another_account() {
    let mut scene = scene(0).await;
    let key = json!({"type": "apiKey", "apiKey": "sk-made-up-other"});
    scene
        .other
        .request("account/logout", json!({}))
        .await
        .unwrap();
    scene
        .other
        .request("account/login/start", key)
        .await
        .unwrap();
    let refused = scene.owner.request("turn/start", turn(&scene.thread)).await;
    assert_eq!(refused.unwrap_err().kind(), "accountChanged");
    assert_eq!(asked_by(&scene.backend), [""; 0]);
}

#[tokio::test]
async fn a_provider_with_a_key_of_its_own_has_no_other_account() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let setup = Setup::default()
        .backend(&backend)
        .argument("-c")
        .argument("model_providers.mock.experimental_bearer_token=\"made-up-own\"");
    let listening = Listening::start(setup, "unix://").await;
    let mut owner = listening.unix_host().await;
    let mut other = listening.unix_host().await;
    sign_in(&mut owner, "ada", 1).await;
    let thread = thread(&mut owner).await;
    sign_in(&mut other, "bob", 1).await;
    owner.request("turn/start", turn(&thread)).await.unwrap();
    let completed = owner.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed", "{completed}");
}
