//! F4: signals.

use std::fs;
use std::time::{Duration, Instant};

use byokey_dev_backend::Route;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::{LIMITS, Stage};

impl Stage {
    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.server.pid()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Stops the server, and waits until it stands still.
    async fn stop(&self) {
        self.signal(Signal::STOP);
        let stat = format!("/proc/{}/stat", self.server.pid());
        while !fs::read_to_string(&stat).unwrap().contains(") T ") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

// Row: signals
#[tokio::test]
async fn signals_that_end_programs_end_it_well() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut stage = Stage::start().await;
        let sent = Instant::now();
        stage.signal(signal);
        stage.ends_within(Duration::from_secs(1), sent).await;
        assert!(stage.host.rest().await.is_empty());
    }
}

#[tokio::test]
async fn requests_under_way_are_answered_with_an_error_before_the_end() {
    let mut stage = Stage::start().await;
    let held = stage.backend.hold(Route::Usage);
    let call = stage.host.start(LIMITS, json!({})).await;
    held.wait_for(1).await;
    let sent = Instant::now();
    stage.signal(Signal::TERM);
    let refused = stage.host.answer(call).await.unwrap_err();
    assert_eq!((refused.code, refused.kind()), (-32800, "cancelled"));
    stage.ends_within(Duration::from_secs(1), sent).await;
}

// Row: signals
#[tokio::test]
async fn a_broken_pipe_signal_is_ignored() {
    let mut stage = Stage::start().await;
    stage.signal(Signal::PIPE);
    let read = stage.host.request("account/read", json!({})).await;
    assert!(read.is_ok(), "{read:?}");
}

// Row: signals
#[tokio::test]
async fn stopping_and_continuing_loses_nothing() {
    let mut stage = Stage::start().await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(stage.host.start(LIMITS, json!({})).await);
        stage.stop().await;
        // They arrive while it is stopped, and are read right after.
        for _ in 0..3 {
            ids.push(stage.host.start(LIMITS, json!({})).await);
        }
        stage.signal(Signal::CONT);
    }
    for id in ids {
        assert!(stage.host.answer(id).await.is_ok(), "{id}");
    }
    stage.host.close_input();
    assert_eq!(stage.server.exit_code().await, Some(0));
}
