//! Valid and invalid JSON: the cases of JSONTestSuite as parameters of a request.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]
#![expect(
    clippy::print_stdout,
    reason = "figures and skipped checks are for people to read"
)]

use std::path::Path;

use byokey_protocol::envelope::{Malformed, parse};
use byokey_tests::{Host, Server};
use serde_json::json;

struct Case {
    name: String,
    /// A request with the case as its parameters.
    request: Vec<u8>,
}

impl Case {
    /// Returns the suite's verdict; `None` if undefined.
    fn is_json(&self) -> Option<bool> {
        match self.name.as_bytes()[0] {
            b'y' => Some(true),
            b'n' => Some(false),
            b'i' => None,
            _ => panic!("{}", self.name),
        }
    }

    /// Returns whether the envelope parser accepts it, as called by a connection.
    fn is_taken(&self) -> bool {
        let Ok(text) = std::str::from_utf8(&self.request) else {
            return false;
        };
        match parse(text) {
            Ok(_) => true,
            Err(Malformed::NotJson) => false,
            Err(other) => panic!("{}: {other:?}", self.name),
        }
    }
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("json-test-suite/test_parsing");
    let files = std::fs::read_dir(folder).expect("the suite is there");
    let mut cases: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            let (before, after) = (br#"{"id":"case","method":"no/such/method","params":"#, b"}");
            let content = std::fs::read(&path).unwrap();
            Case {
                name: path.file_name().unwrap().to_string_lossy().into_owned(),
                request: [&before[..], &content, after].concat(),
            }
        })
        .collect();
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    cases
}

// Row: JSON as it is written
#[test]
fn the_envelope_parser_agrees_with_every_verdict() {
    let (mut accepted, mut refused, mut open) = (0, 0, 0);
    for case in cases() {
        let taken = case.is_taken();
        match case.is_json() {
            Some(verdict) => {
                assert_eq!(taken, verdict, "{}", case.name);
                if verdict { accepted += 1 } else { refused += 1 }
            }
            None => open += 1,
        }
    }
    assert_eq!((accepted, refused, open), (95, 188, 35));
}

// Row: JSON as it is written
#[tokio::test]
async fn the_program_answers_every_case_that_fits_on_a_line() {
    let mut server = Server::start();
    let mut host = Host::initialized(&mut server).await;
    let mut sent = 0;
    for case in cases() {
        if case.request.contains(&b'\n') {
            continue;
        }
        sent += 1;
        host.send_raw(&case.request).await;
        host.send_raw(b"\n").await;
        host.send(&json!({"id": "behind", "method": "account/read"}))
            .await;
        let answer = host.next().await.expect("the program goes on");
        let expected = if case.is_taken() { -32601 } else { -32700 };
        assert_eq!(answer["error"]["code"], expected, "{}", case.name);
        assert!(host.answer("behind").await.is_ok(), "{}", case.name);
    }
    println!("{sent} of 318 cases have no line break");
    assert!(sent > 290, "{sent}");
}
