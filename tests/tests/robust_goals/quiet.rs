//! T9: what the server costs while nobody asks anything.

use std::time::{Duration, Instant};

use byokey_tests::{Host, ProcessStatus};

use crate::quiet_setup;

#[tokio::test]
async fn t9_idle_it_sleeps() {
    let begun = Instant::now();
    let mut server = quiet_setup().start();
    let _host = Host::initialized(&mut server).await;
    let started = begun.elapsed();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = ProcessStatus::of(server.pid());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let after = ProcessStatus::of(server.pid());
    let woken = after.sleeps - before.sleeps;
    println!(
        "T9: idle for 10 s: {woken} wake-ups, {} KiB resident, {} threads, {:?} of processor; \
         initialize answered {started:?} after the spawn",
        after.resident,
        after.threads,
        after.processor_time()
    );
    assert!(woken <= 10, "{woken} wake-ups");
    assert!(after.threads <= 4, "{} threads", after.threads);
    // Code of a debug build is larger, and so is what is resident of it.
    if !cfg!(debug_assertions) {
        assert!(after.resident <= 12 * 1024, "{} KiB", after.resident);
    }
}
