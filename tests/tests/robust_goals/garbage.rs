//! T4: ten thousand bad lines, each followed by a valid request.

use std::time::{Duration, Instant};

use byokey_tests::Host;
use serde_json::json;

use crate::mutation::{Random, bad_line};
use crate::quiet_setup;

// Row: garbage costs no time
#[tokio::test]
async fn t4_behind_each_of_ten_thousand_bad_lines_a_valid_request_is_answered() {
    let mut server = quiet_setup().start();
    let mut host = Host::initialized(&mut server).await;
    let mut random = Random(0x5eed);
    let mut times = Vec::new();
    for round in 0..10_000 {
        let mut line = bad_line(&mut random);
        line.push(b'\n');
        host.send_raw(&line).await;
        let begun = Instant::now();
        let id = format!("valid-{round}");
        host.send(&json!({"id": id, "method": "account/read"}))
            .await;
        let answer = host.answer(id).await;
        times.push(begun.elapsed());
        let shown = String::from_utf8_lossy(&line);
        assert!(answer.is_ok(), "{shown}: {answer:?}");
        host.quiet_for(Duration::ZERO).await;
    }
    times.sort_unstable();
    println!(
        "T4: 10,000 bad lines: the answer behind one takes {:?} in the middle, {:?} at most",
        times[times.len() / 2],
        times[times.len() - 1]
    );
    host.close_input();
    assert_eq!(server.exit_code().await, Some(0));
    let log = server.whole_log().await;
    assert!(!log.contains("a bug in this program"), "{log}");
}
