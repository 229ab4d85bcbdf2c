//! Stored secrets are in locked memory (mlock) as long as they are stored. So are the secrets of
//! pending logins; see `browser` and `device`.

use byokey_dev_backend::{DevBackend, Route};
use byokey_tests::issuer::Ask;
use byokey_tests::search::searchable;
use byokey_tests::server::mock_provider;
use byokey_tests::{
    Framing, Host, MadeUp, Memory, ProcessStatus, Search, Setup, Subject, Traces, Way, tools,
};
use serde_json::json;

use crate::sign_in::{Scene, Tokens};
use crate::support::{ORDINARY, assert_locked, backend, call, start_turn};

/// Returns the locked memory, in KiB.
fn locked(subject: &Subject) -> u64 {
    ProcessStatus::of(subject.server.pid()).locked
}

async fn sign_in_with(subject: &mut Subject, kind: &str, member: &str, secret: &MadeUp) {
    let params = json!({"type": kind, member: secret.text});
    let login = subject.host.request("account/login/start", params).await;
    login.unwrap();
}

#[tokio::test]
async fn what_hosts_hand_over() {
    let mut scene = Scene::new().await;
    let subject = &mut scene.subject;
    assert_eq!(locked(subject), 0);
    let token = MadeUp::jwt("locked", ORDINARY);
    subject.login(&token).await;
    assert_locked(subject, &[token], "handed over");
    subject.logout().await;
    let key = MadeUp::api_key("locked", 164);
    sign_in_with(subject, "apiKey", "apiKey", &key).await;
    assert_locked(subject, &[key], "an API key");
    let personal = MadeUp::opaque("personal access token", "at-", "locked");
    sign_in_with(subject, "personalAccessToken", "accessToken", &personal).await;
    assert_locked(subject, &[personal], "a personal access token");
    subject.logout().await;
    assert_eq!(locked(subject), 0, "what is gone needs no lock");
}

#[tokio::test]
async fn logins_of_our_own_and_their_renewals() {
    let mut scene = Scene::new().await;
    let (first, second) = (Tokens::new("first"), Tokens::new("second"));
    scene.sign_in(&first).await;
    assert_locked(&scene.subject, &first.all(), "signed in");
    let at_first = locked(&scene.subject);
    scene.backend.reject_bearer(&first.access.text);
    // The id token stays, and is moved.
    let answer = json!({"access_token": second.access.text, "refresh_token": second.refresh.text});
    scene.issuer.next(Ask::Refresh, 200, answer);
    scene.ask().await.unwrap();
    let held = [first.id, second.access, second.refresh];
    scene.subject.assert_all_in_use(&held, "renewed");
    assert_locked(&scene.subject, &held, "renewed");
    assert_eq!(locked(&scene.subject), at_first);
    scene.subject.logout().await;
    scene.issuer.wait_for(Ask::Revoke, 1).await;
    scene.subject.assert_all_gone(&held, "signed out").await;
    assert_eq!(locked(&scene.subject), 0);
}

#[tokio::test]
async fn a_store_that_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let setup = || {
        let home = folder.path().to_str().unwrap();
        let setup = Setup::default().argument("--store=file");
        setup.environment("BYOKEY_HOME", home)
    };
    let tokens = Tokens::new("stored");
    let mut scene = Scene::start(setup(), Way::default()).await;
    scene.sign_in(&tokens).await;
    assert_locked(&scene.subject, &tokens.all(), "stored");
    drop(scene);
    let scene = Scene::start(setup(), Way::default()).await;
    assert_locked(&scene.subject, &tokens.all(), "taken up");
}

/// Returns a program with a provider's own bearer, from this setting.
fn own_bearer(backend: &DevBackend, setting: &str) -> Setup {
    Setup::default().backend(backend).config(setting)
}

#[tokio::test]
async fn a_bearer_that_the_configuration_holds() {
    let backend = backend();
    let bearer = MadeUp::api_key("of-a-provider", 200);
    let setting = format!("experimental_bearer_token = \"{}\"", bearer.text);
    let setup = own_bearer(&backend, &setting);
    let mut subject = Subject::start(setup, Framing::Lines).await;
    let secrets = [bearer];
    assert_locked(&subject, &secrets, "configured");
    for method in ["config/read", "account/read"] {
        call(&mut subject, method).await;
        assert_locked(&subject, &secrets, method);
    }
    start_turn(&mut subject).await;
    let completed = subject.host.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed");
    let turn = backend.requests_to(Route::Responses).remove(0);
    assert_eq!(turn.bearer(), Some(secrets[0].text.as_str()));
    call(&mut subject, "account/read").await;
    assert_locked(&subject, &secrets, "after a turn");
    assert_eq!(locked(&subject), 4, "and on no page more");
}

#[tokio::test]
async fn a_bearer_that_the_environment_holds() {
    let backend = backend();
    let bearer = MadeUp::api_key("of-a-variable", 200);
    let setup = own_bearer(&backend, "env_key = \"MADE_UP_KEY\"");
    let setup = setup.environment("MADE_UP_KEY", &bearer.text);
    let mut subject = Subject::start(setup, Framing::Lines).await;
    for is_used in [false, true] {
        if is_used {
            start_turn(&mut subject).await;
            subject.host.notification("turn/completed").await;
        }
        let pid = subject.server.pid();
        // The system keeps it in the initial environment of the process.
        let environment = ProcessStatus::environment(pid);
        let places = subject.memory().places(&bearer.text);
        let (given, own): (Vec<_>, Vec<_>) = places
            .into_iter()
            .partition(|place| environment.contains(place));
        assert_eq!((given.len(), own.len()), (1, 1), "used: {is_used}");
        assert!(ProcessStatus::is_locked(pid, own[0]), "used: {is_used}");
    }
}

#[tokio::test]
async fn a_bearer_that_a_command_prints() {
    let backend = backend();
    let bearers = ["of-a-command", "of-its-next-run"].map(|it| MadeUp::api_key(it, 200));
    let [old, new] = bearers;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    let print = |token: &MadeUp| std::fs::write(&file, &token.text).unwrap();
    print(&old);
    let auth = format!(
        "auth = {{ command = \"cat\", args = [\"{}\"] }}",
        file.display()
    );
    let settings = mock_provider(&backend.base_url());
    let settings = settings.replace("requires_openai_auth = true", &auth);
    let setup = Setup::default().environment("PATH", "/usr/bin:/bin");
    let mut subject = Subject::start(setup.config(&settings), Framing::Lines).await;
    let turn = async |subject: &mut Subject| {
        start_turn(subject).await;
        let completed = subject.host.notification("turn/completed").await;
        assert_eq!(completed["turn"]["status"], "completed");
        call(subject, "account/read").await;
    };
    turn(&mut subject).await;
    let held = [old];
    assert_locked(&subject, &held, "printed");
    subject.assert_all_in_use(&held, "printed");
    print(&new);
    let [old] = held;
    backend.reject_bearer(&old.text);
    turn(&mut subject).await;
    subject.assert_gone(&old, "refused").await;
    subject.logout().await;
    assert_locked(
        &subject,
        &[new],
        "after a logout, which does not concern it",
    );
    // The process that ran the command keeps none.
    let children = format!("/proc/{0}/task/{0}/children", subject.server.pid());
    let runner = std::fs::read_to_string(children).unwrap();
    let memory = Memory::of(runner.trim().parse().unwrap()).unwrap();
    assert!(memory.holds("run-token-commands"), "it was not read");
    let new = MadeUp::api_key("of-its-next-run", 200);
    for bearer in [old, new] {
        assert_eq!(memory.traces(&bearer), Traces::NONE);
    }
}

#[tokio::test]
async fn no_more_after_a_thousand_logins() {
    let backend = backend();
    let setup = Setup::default().backend(&backend);
    let mut subject = Subject::start(setup, Framing::Lines).await;
    for (logins, length, pages) in [(1_000, 100, 1), (10, 40_000, 10)] {
        for number in 0..logins {
            let token = MadeUp::jwt(&format!("of-many-{number}"), length);
            subject.login(&token).await;
            if number % (logins / 5) == 0 {
                call(&mut subject, "account/usage/read").await;
                assert_locked(&subject, &[token], "one of many");
                assert_eq!(locked(&subject), pages * 4, "{length} bytes");
            }
        }
    }
    subject.logout().await;
    assert_eq!(locked(&subject), 0);
}

#[tokio::test]
async fn a_token_that_is_too_long_for_the_limit_is_kept_as_it_is() {
    if !tools::has("setpriv") {
        return;
    }
    // Two pages and no more.
    let setup = searchable(Setup::default().locked_memory(8));
    let mut server = setup.start();
    let mut host = Host::new(&mut server);
    let search = Search::begin(server.pid(), &mut host).await;
    let is_locked = |token: &MadeUp| {
        let places = search.memory().places(&token.text);
        assert_eq!(places.len(), 1);
        ProcessStatus::is_locked(server.pid(), places[0])
    };
    let (long, short) = (MadeUp::jwt("long", 20_000), MadeUp::jwt("short", ORDINARY));
    for _ in 0..3 {
        host.login(&long.text, "ws-made-up").await;
        search.assert_in_use(&long, "too long to be locked");
        assert!(!is_locked(&long));
        host.login(&short.text, "ws-made-up").await;
        search.assert_gone(&long, "too long to be locked").await;
        assert!(is_locked(&short));
    }
    host.close_input();
    let log = server.whole_log().await;
    assert_eq!(log.matches("does not lock memory").count(), 1, "{log}");
}
