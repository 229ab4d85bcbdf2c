//! One run for all calls that wait (single flight).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use byokey_app_server::backend::{ChatItem, ChatMessage, Role, TurnRequest};
use byokey_app_server::config::{Config, Environment, Overrides};
use byokey_app_server::process::token_commands::{Runner, TokenCommands};
use byokey_app_server::server::services::Services;
use byokey_dev_backend::{DevBackend, Options, Route};
use byokey_protocol::initialize::HardeningReport;
use byokey_tests::byokey;
use byokey_tests::turns::{backend, begin_turn};

use crate::helper::{Helper, PROVIDER, start};

/// Returns how often each bearer was sent to the model.
fn uses(backend: &DevBackend) -> BTreeMap<String, usize> {
    let mut uses = BTreeMap::new();
    for request in backend.requests_to(Route::Responses) {
        let bearer = request.bearer().unwrap_or("none at all");
        *uses.entry(bearer.to_owned()).or_default() += 1;
    }
    uses
}

// Row: one refresh for all
#[tokio::test]
async fn turns_that_get_401_at_once_cause_one_run() {
    // As many as one client may have in progress.
    const TURNS: usize = 64;
    let backend = backend();
    let helper = Helper::printing("made-up-old");
    let (_server, mut host) = start(helper.setup(&backend, "")).await;
    let gate = backend.hold(Route::Responses);
    for _ in 0..TURNS {
        begin_turn(&mut host).await;
    }
    gate.wait_for(TURNS).await;
    assert_eq!(helper.runs(), 1, "one run for the first token");
    backend.reject_bearer("made-up-old");
    helper.print("made-up-new");
    gate.release();
    for _ in 0..TURNS {
        let ended = host.notification("turn/completed").await;
        assert_eq!(ended["turn"]["status"], "completed", "{ended}");
    }
    let expected = [("made-up-old", TURNS), ("made-up-new", TURNS)];
    let expected = expected.map(|(bearer, count)| (bearer.to_owned(), count));
    assert_eq!(uses(&backend), BTreeMap::from(expected));
    assert_eq!(helper.runs(), 2);
}

/// Returns the services of a program whose provider has this command.
fn services(helper: &Helper, backend: &DevBackend) -> Arc<Services> {
    let url = backend.base_url();
    let settings = [
        format!("model_provider={PROVIDER}"),
        format!("model_providers.{PROVIDER}.name=Mock"),
        format!("model_providers.{PROVIDER}.base_url={url}/v1"),
        format!("model_providers.{PROVIDER}.{}", helper.auth("")),
        "byokey.standby_connections=false".to_owned(),
    ];
    let overrides = Overrides {
        settings: settings.to_vec(),
        ..Overrides::default()
    };
    let config = Config::load(&Environment::of([("HOME", "/nonexistent")]), &overrides);
    let commands = TokenCommands::start_program(&byokey(), config.usable_token_commands());
    Services::with_token_commands(
        config,
        HardeningReport::default(),
        commands.map_or(Runner::Failed, Runner::Started),
    )
}

fn request(number: usize) -> TurnRequest {
    TurnRequest {
        thread_id: format!("made-up-thread-{number}"),
        model: "mock-model".to_owned(),
        base_instructions: None,
        developer_instructions: None,
        effort: None,
        summary: None,
        conversation: vec![ChatItem::Message(ChatMessage {
            role: Role::User,
            texts: vec!["Hello".to_owned()],
            id: None,
            phase: None,
        })],
    }
}

// Row: one refresh for all
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_that_get_401_at_once_cause_one_run_and_all_succeed() {
    const CALLS: usize = 1_000;
    let backend = DevBackend::start(Options::new().keep_requests(3 * CALLS)).unwrap();
    let helper = Helper::printing("made-up-old");
    let services = services(&helper, &backend);
    let gate = backend.hold(Route::Responses);
    let calls: Vec<_> = (0..CALLS)
        .map(|number| {
            let backend = Arc::clone(&services.backend);
            tokio::spawn(async move {
                let answer = backend
                    .respond(None, request(number), &|_| true, &|_| {}, &|_| {})
                    .await;
                answer.map(drop).map_err(|failure| failure.to_string())
            })
        })
        .collect();
    gate.wait_for(CALLS).await;
    assert_eq!(helper.runs(), 1);
    backend.reject_bearer("made-up-old");
    helper.print("made-up-new");
    let begun = Instant::now();
    gate.release();
    let mut successes = 0;
    for call in calls {
        call.await.unwrap().unwrap();
        successes += 1;
    }
    let took = begun.elapsed();
    let runs = helper.runs() - 1;
    println!(
        "{CALLS} concurrent 401s: {runs} run of the command, {successes} successes, {} ms",
        took.as_millis()
    );
    assert_eq!((runs, successes), (1, CALLS));
    let expected = [("made-up-old", CALLS), ("made-up-new", CALLS)];
    let expected = expected.map(|(bearer, count)| (bearer.to_owned(), count));
    assert_eq!(uses(&backend), BTreeMap::from(expected), "repeated once");
}
