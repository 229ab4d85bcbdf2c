//! The Autobahn test suite against the program's WebSocket handshake and frames.
//!
//! `tests/websocket-libraries/setup.sh` installs it under `.cache/`; without it the test is skipped
//! with a message.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]
#![expect(clippy::print_stdout, reason = "figures are for people to read")]

mod echo;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use byokey_tests::tools::{Library, library};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

/// Timeout of the whole suite.
const PATIENCE: Duration = Duration::from_secs(540);
/// The longest message of the suite.
const LONGEST: usize = 16 * 1024 * 1024;

/// The number of cases, and of those about compression, which is not offered.
const CASES: usize = 517;
const COMPRESSION: usize = 216;
/// Cases without a verdict: messages after a close frame, and odd close codes.
const NOTED: [&str; 3] = ["7.1.6", "7.13.1", "7.13.2"];

/// Runs the suite against that address. It writes its report into the folder.
async fn run(installed: &Path, url: &str, folder: &Path) -> Value {
    let report = folder.join("report");
    let spec = json!({
        "outdir": report,
        "servers": [{"agent": "byokey", "url": url}],
        "cases": ["*"],
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    #[expect(clippy::disallowed_methods, reason = "what the suite is to do")]
    std::fs::write(folder.join("spec.json"), spec.to_string()).unwrap();
    let site = installed.join("site");
    let suite = Command::new(site.join("bin/wstest"))
        .args(["--mode", "fuzzingclient", "--spec", "spec.json"])
        .env("PYTHONPATH", site)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, suite).await;
    let output = output.expect("the suite ends in time").expect("it starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let index = std::fs::read(report.join("index.json")).expect("a report");
    serde_json::from_slice::<Value>(&index).expect("JSON")["byokey"].take()
}

// Row: the WebSocket protocol
#[tokio::test(flavor = "multi_thread")]
async fn every_case_ends_as_it_may() {
    let Some(Library { installed, .. }) = library("websocket-libraries", "autobahn") else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(echo::serve(listener, LONGEST));
    let folder = tempfile::tempdir().unwrap();
    let cases = run(&installed, &url, folder.path()).await;
    server.abort();
    let cases = cases.as_object().expect("the cases");
    assert_eq!(cases.len(), CASES);
    let mut verdicts = BTreeMap::<_, Vec<_>>::new();
    for (name, case) in cases {
        for part in ["behavior", "behaviorClose"] {
            let verdict = case[part].as_str().expect("a verdict");
            assert!(
                may_end(name, part, verdict),
                "{name}: {part} is {verdict}: {case}"
            );
            verdicts.entry((part, verdict)).or_default().push(name);
        }
    }
    for ((part, verdict), names) in &verdicts {
        println!("{part}: {} {verdict}", names.len());
    }
    let compression = &verdicts[&("behavior", "UNIMPLEMENTED")];
    assert_eq!(compression.len(), COMPRESSION);
}

/// Returns whether a case may end like that.
fn may_end(name: &str, part: &str, verdict: &str) -> bool {
    let chapter = name.split('.').next().unwrap_or_default();
    match verdict {
        "OK" => true,
        "INFORMATIONAL" => NOTED.contains(&name),
        // Invalid UTF-8 is refused when its frame is complete, or sooner.
        "NON-STRICT" => name.starts_with("6.4."),
        "UNIMPLEMENTED" => part == "behavior" && matches!(chapter, "12" | "13"),
        _ => false,
    }
}
