//! Threads that are let go leave nothing behind: no memory, and no text.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "figures are for people to read")]

use byokey_dev_backend::TestToken;
use byokey_tests::memory::Memory;
use byokey_tests::turns::{MODEL, backend, script};
use byokey_tests::{Host, ProcessStatus, Server, Setup};
use serde_json::{Value, json};

/// How many threads are started and let go.
const THREADS: usize = 20_000;
/// How many may be loaded at once. The memory is looked at when twice as many were started.
const LOADED: usize = 1_024;
/// How many requests are sent at a time.
const TOGETHER: usize = 100;
/// What the memory may grow by from there to the end, in KiB. The threads take 33 MiB.
const MOST: u64 = 2 * 1024;

/// Starts a thread and returns its id.
async fn thread(host: &mut Host) -> Value {
    let started = host.request("thread/start", json!({"model": MODEL})).await;
    started.unwrap()["thread"]["id"].take()
}

/// Opts out of the notifications that come with each thread, so that the test need not hold them.
async fn quiet_host(server: &mut Server) -> Host {
    let methods = [
        "thread/started",
        "thread/status/changed",
        "thread/closed",
        "thread/deleted",
    ];
    let capabilities = json!({"optOutNotificationMethods": methods});
    Host::with_capabilities(server, capabilities).await
}

/// Sends requests together and returns their results.
async fn all(host: &mut Host, method: &str, params: Vec<Value>) -> Vec<Value> {
    let (mut ids, mut results) = (Vec::new(), Vec::new());
    for params in params {
        ids.push(host.start(method, params).await);
    }
    for id in ids {
        results.push(host.answer(id).await.unwrap());
    }
    results
}

/// Starts threads and lets each of them go by this method. The memory stays as it was.
async fn stays_flat(method: &str, threads: usize, setup: Setup) {
    let mut server = setup.start();
    let mut host = quiet_host(&mut server).await;
    let mut before = None;
    for number in 0..threads / TOGETHER {
        let started = all(
            &mut host,
            "thread/start",
            vec![json!({"model": MODEL}); TOGETHER],
        );
        let ids = started.await;
        let ids = ids.iter().map(|it| json!({"threadId": it["thread"]["id"]}));
        all(&mut host, method, ids.collect()).await;
        if number * TOGETHER >= 2 * LOADED && before.is_none() {
            before = Some(ProcessStatus::of(server.pid()).resident);
        }
    }
    let before = before.unwrap();
    let after = ProcessStatus::of(server.pid()).resident_peak;
    let grown = after.saturating_sub(before);
    println!("figure {threads} threads, {method}: {after} KiB at most, +{grown} KiB");
    assert!(grown <= MOST, "{method}: +{grown} KiB");
    let loaded = host.request("thread/loaded/list", json!({})).await.unwrap();
    let loaded = loaded["data"].as_array().unwrap().len();
    println!("figure {threads} threads, {method}: {loaded} loaded");
    assert!(loaded <= LOADED, "{loaded}");
}

// Row: what one client may cost
#[tokio::test]
async fn deleted_threads_leave_the_memory_flat() {
    stays_flat("thread/delete", THREADS, Setup::default()).await;
}

// Row: what one client may cost
#[tokio::test]
async fn threads_that_are_let_go_leave_the_memory_flat() {
    stays_flat("thread/unsubscribe", THREADS, Setup::default()).await;
    let at_once = Setup::default().argument("-c");
    let at_once = at_once.argument("thread_unload_delay_secs=0");
    stays_flat("thread/unsubscribe", 5 * LOADED, at_once).await;
}

/// The thread that makes room for another one is reported, and those that were let go are first.
#[tokio::test]
async fn a_thread_that_makes_room_is_reported() {
    let mut server = Setup::default().start();
    let mut host = Host::initialized(&mut server).await;
    let first = thread(&mut host).await;
    let mut second = Value::Null;
    for number in 0..LOADED - 1 {
        let new = thread(&mut host).await;
        if number == 0 {
            second = new;
        }
    }
    let params = json!({"threadId": second});
    host.request("thread/unsubscribe", params).await.unwrap();
    thread(&mut host).await;
    assert_eq!(host.notification("thread/closed").await["threadId"], second);
    thread(&mut host).await;
    assert_eq!(host.notification("thread/closed").await["threadId"], first);
}

/// What was said in a thread is not in memory after its end.
#[tokio::test]
async fn the_texts_of_a_deleted_thread_are_wiped() {
    let backend = backend();
    let words = ["wiped-question-8c1f2e", "wiped-answer-77ab03"];
    backend.set_script(script("responses", &json!([{"text": [words[1]]}])));
    let setup = Setup::default().backend(&backend);
    let mut server = setup.argument("--allow-debug").start();
    let mut host = Host::initialized(&mut server).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    let thread = thread(&mut host).await;
    let input = json!([{"type": "text", "text": words[0]}]);
    let turn = json!({"threadId": thread, "input": input});
    host.request("turn/start", turn).await.unwrap();
    let completed = host.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed", "{completed}");
    let held = |pid| {
        let memory = Memory::of(pid).unwrap();
        words.map(|word| memory.places(word).len())
    };
    let before = held(server.pid());
    assert!(before.iter().all(|places| *places > 0), "{before:?}");
    let params = json!({"threadId": thread});
    host.request("thread/delete", params).await.unwrap();
    host.notification("thread/deleted").await;
    assert_eq!(held(server.pid()), [0, 0], "{before:?} before");
}
