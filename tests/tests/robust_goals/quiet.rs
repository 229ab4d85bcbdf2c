//! T9: the cost of an idle server.

use std::time::{Duration, Instant};

use byokey_tests::{Host, ProcessStatus};

use crate::quiet_setup;

// Row: idle and start
#[tokio::test]
async fn t9_idle_it_sleeps() {
    let mut server = quiet_setup().start();
    let _host = Host::initialized(&mut server).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = ProcessStatus::of(server.pid());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let after = ProcessStatus::of(server.pid());
    let woken = after.sleeps - before.sleeps;
    println!(
        "T9: idle for 10 s: {woken} wake-ups, {} KiB resident, {} threads, {:?} of processor",
        after.resident,
        after.threads,
        after.processor_time()
    );
    assert!(woken <= 10, "{woken} wake-ups");
    assert!(after.threads <= 4, "{} threads", after.threads);
    assert!(after.resident <= 12 * 1024, "{} KiB", after.resident);
}

// Row: idle and start
#[tokio::test]
async fn t9_it_answers_within_15_ms_of_its_start() {
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let begun = Instant::now();
        let mut server = quiet_setup().start();
        let _host = Host::initialized(&mut server).await;
        best = best.min(begun.elapsed());
    }
    println!("T9: initialize answered {best:?} after the spawn");
    assert!(best <= Duration::from_millis(15), "{best:?}");
}
