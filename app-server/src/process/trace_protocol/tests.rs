//! The trace shows the traffic and never a secret.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use byokey_rpc::Observer as _;

use super::ProtocolTrace;

/// A writer that can be inspected, and slowed down.
#[derive(Clone, Default)]
struct Place {
    written: Arc<Mutex<Vec<u8>>>,
    delay: Duration,
}

impl Write for Place {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        std::thread::sleep(self.delay);
        self.written.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the lines of the trace without their times.
fn traced(act: impl FnOnce(&ProtocolTrace)) -> Vec<String> {
    let place = Place::default();
    let trace = ProtocolTrace::to(place.clone()).unwrap();
    act(&trace);
    trace.finish();
    let written = String::from_utf8(place.written.lock().unwrap().clone()).unwrap();
    let behind_time = |line: &str| line.split_once(' ').unwrap().1.to_owned();
    written.lines().map(behind_time).collect()
}

fn received(message: &str) -> String {
    let lines = traced(|trace| trace.of_peer(0).received(message.as_bytes()));
    lines[0].strip_prefix("peer 0 --> ").unwrap().to_owned()
}

#[test]
fn both_directions_are_shown() {
    let lines = traced(|trace| {
        trace
            .of_peer(3)
            .received(br#"{"id":1,"method":"account/read"}"#);
        trace
            .of_peer(3)
            .sent(br#"{"id":1,"result":{"a":[1,-2,0.5,null,true,"\n"],"b":{}}}"#);
        trace.of_peer(4).skipped();
        trace.of_peer(4).received(b"  \r");
    });
    assert_eq!(
        lines,
        [
            r#"peer 3 --> {"id":1,"method":"account/read"}"#,
            r#"peer 3 <-- {"id":1,"result":{"a":[1,-2,0.5,null,true,"\n"],"b":{}}}"#,
            "peer 4 --> ‹skipped: too long, or in a broken frame›",
        ]
    );
}

#[test]
fn marked_members_are_never_shown() {
    for member in [
        "accessToken",
        "access\\u0054oken",
        "ACCESS_TOKEN",
        "apiKey",
        "idToken",
    ] {
        for value in [r#""short""#, r#"["short"]"#, r#"{"short":1}"#, "12345"] {
            let line = received(&format!(r#"{{"params":{{"{member}":{value}}}}}"#));
            assert!(line.contains("‹redacted"), "{line}");
            assert!(!line.contains("short") && !line.contains("12345"), "{line}");
        }
    }
    assert!(received(r#"{"authToken":null}"#).ends_with(r#"{"authToken":null}"#));
}

#[test]
fn what_looks_like_a_secret_is_not_shown_either() {
    let jwt = "eyJhbGciOiJub25lIn0.e30.made-up";
    for text in [
        format!(r#"{{"type":"{jwt}"}}"#),
        format!(r#"{{"{jwt}":1}}"#),
        format!(r#"["say {jwt}!"]"#),
        r#"{"key":"sk-made-up-key-of-nobody"}"#.to_owned(),
        format!(r#"{{"text":"{}"}}"#, "made-up.".repeat(20)),
        r#"{"access_token":"made-up","hostSecret":"made-up"}"#.to_owned(),
    ] {
        let line = received(&text);
        assert!(line.contains("‹redacted"), "{line}");
        assert!(!line.contains("made-up"), "{line}");
    }
    for (text, secrets) in [
        (
            r#"{"authUrl":"https://auth.example/oauth?client_id=app&code_challenge=chal-canary&state=state-canary#x"}"#,
            2,
        ),
        (r#"{"userCode":"CANARY-12345"}"#, 1),
        (r#"["rt_canary_0123456789"]"#, 1),
        (r#"["token: rt-canary-0123456789"]"#, 1),
        (r#"["Cookie: session=canary"]"#, 1),
        (r#"["Authorization: Bearer canary0123456789"]"#, 1),
        (r#"{"headers":{"Set-Cookie":"canary"}}"#, 1),
    ] {
        let line = received(text);
        assert_eq!(line.matches("‹redacted").count(), secrets, "{line}");
        assert!(!line.to_lowercase().contains("canary"), "{line}");
    }
    let url = r#"{"authUrl":"https://auth.example/?client_id=app&state=s#x"}"#;
    let shown = received(url);
    assert!(
        shown.contains("client_id=app") && shown.ends_with("›#x\"}"),
        "{shown}"
    );
    for harmless in [r#"["start_something_longer"]"#, r#"["a bearer is sent"]"#] {
        assert_eq!(received(harmless), harmless);
    }
    let usage =
        r#"{"totalTokens":12,"tokenUsage":{"inputTokens":7},"url":"https://example.com/a"}"#;
    assert_eq!(received(usage), usage);
}

#[test]
fn equal_secrets_have_equal_names_within_one_process() {
    let name = |line: &String| {
        let name = line.rsplit_once('#').unwrap().1;
        name.chars().take(4).collect::<String>()
    };
    let names_of = |secrets: &[&str]| -> Vec<String> {
        let lines = traced(|trace| {
            for secret in secrets {
                let message = format!(r#"{{"accessToken":"{secret}"}}"#);
                trace.of_peer(0).received(message.as_bytes());
            }
        });
        assert!(lines[0].contains("‹redacted 9 bytes #"), "{}", lines[0]);
        lines.iter().map(name).collect()
    };
    // There are 65,536 names, so this many secrets hardly ever collide.
    let secrets = [
        "made-up-1",
        "made-up-2",
        "made-up-3",
        "made-up-4",
        "made-up-1",
    ];
    let (here, elsewhere) = (names_of(&secrets), names_of(&secrets));
    assert_eq!(here[0], here[4]);
    assert!(here[..4].iter().any(|name| *name != here[0]), "{here:?}");
    assert_ne!(here, elsewhere);
}

#[test]
fn invalid_json_is_traced_by_its_length() {
    for garbage in ["made-up", r#"{"accessToken":"made-up""#, r#"{} "made-up""#] {
        let line = received(garbage);
        assert_eq!(line, format!("‹unreadable line, {} bytes›", garbage.len()));
    }
    let lines = traced(|trace| trace.of_peer(0).received(b"\xffmade-up"));
    assert!(lines[0].ends_with("‹unreadable line, 8 bytes›"));
}

#[test]
fn a_slow_reader_blocks_no_other() {
    let place = Place {
        delay: Duration::from_millis(2),
        ..Place::default()
    };
    let trace = ProtocolTrace::to(place.clone()).unwrap();
    let begun = Instant::now();
    for _ in 0..5_000 {
        trace.of_peer(0).sent(b"{}");
    }
    // It would take longer at the reader's pace.
    assert!(begun.elapsed() < Duration::from_secs(10));
    let is_told = || {
        let written = place.written.lock().unwrap().clone();
        String::from_utf8(written)
            .unwrap()
            .contains("messages are missing here")
    };
    let patience = Duration::from_secs(60);
    while !is_told() && begun.elapsed() < patience {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(is_told());
}
