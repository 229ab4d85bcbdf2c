//! The hot paths, and their numbers of repetitions.
//!
//! Each count is the difference between two runs that differ only in how often they take the path,
//! so that the start and the end of the program drop out.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::callgrind;
use crate::candidate::Candidate;
use crate::host::{INITIALIZE, READ};
use crate::measure::number;
use crate::model::Manner;
use crate::site::{ACCOUNT, Site, token};
use crate::{Failure, say};

/// Instructions by path.
pub(super) type Counts = Vec<(&'static str, f64)>;

/// A path, its number of repetitions in the smaller of two runs, and another message that takes it.
struct HotPath {
    name: &'static str,
    few: usize,
    message: fn(usize) -> String,
}

const HOT_PATHS: [HotPath; 3] = [
    // Read, split, parse, dispatch, answer, write.
    HotPath {
        name: "request",
        few: 5_000,
        message: |number| format!("{{\"id\":{},{READ}}}\n", id(number)),
    },
    // A credential replaces another, which is zeroized; two notifications.
    HotPath {
        name: "login",
        few: 500,
        message: |number| {
            let params = json!({"type": "chatgptAuthTokens", "accessToken": token(number), "chatgptAccountId": ACCOUNT});
            let message =
                json!({"id": id(number), "method": "account/login/start", "params": params});
            format!("{message}\n")
        },
    },
    // 64 KiB of unknown members are read, scanned and wiped.
    HotPath {
        name: "wipe-64-kib",
        few: 50,
        message: |_| {
            format!(
                "{{\"method\":\"$/nothing\",\"params\":\"{}\"}}\n",
                "x".repeat(65_480)
            )
        },
    },
];
/// The factor of repetitions in the larger run.
const MORE: usize = 3;
/// Calls that wait for one refresh, in the smaller run.
const WAITERS: usize = 5_000;
/// Pieces of text that a turn streams, in the smaller run.
const PIECES: usize = 100;
/// The delay between two, long enough for valgrind to handle one.
const PAUSE: Duration = Duration::from_millis(5);

/// Returns ids with equal numbers of digits: a longer one costs more.
const fn id(number: usize) -> usize {
    1_000_000 + number
}

/// Counts each path once.
pub(super) fn counts(program: &Path) -> Result<Counts, Failure> {
    let program = program.canonicalize()?;
    let introduction = String::from_utf8_lossy(INITIALIZE);
    let serve = |path: &HotPath, count: usize| {
        let messages: String = (1..=count).map(path.message).collect();
        let server = [program.as_os_str(), OsStr::new("app-server")];
        callgrind::instructions(&server, format!("{introduction}{messages}"))
    };
    let mut counts = Counts::new();
    for path in &HOT_PATHS {
        let each = difference(path.few, |count| serve(path, count))?;
        counts.push((path.name, each));
    }
    counts.push((
        "streamed-delta",
        difference(PIECES, |pieces| streamed(&program, pieces))?,
    ));
    // This one is code of the driver itself.
    if cfg!(debug_assertions) {
        say("skipped: refresh-waiter: the driver is not optimised; bench/instructions.sh --all");
        return Ok(counts);
    }
    let driver = std::env::current_exe()?;
    let fan_out = |waiters: usize| {
        let waiters = waiters.to_string();
        let words = ["instructions", "fan-out", &waiters].map(OsStr::new);
        let driver: Vec<_> = [driver.as_os_str()].into_iter().chain(words).collect();
        callgrind::instructions(&driver, String::new())
    };
    counts.push(("refresh-waiter", difference(WAITERS, fan_out)?));
    Ok(counts)
}

fn streamed(program: &Path, pieces: usize) -> Result<f64, Failure> {
    let site = Site::new()?;
    site.model.set(Manner {
        pieces,
        pause: PAUSE,
        refused: None,
    });
    let candidate = Candidate::own("byokey", program)?;
    callgrind::of_conversation(candidate, &site, |host| {
        host.login(0)?;
        let thread = host.thread()?;
        host.turn(&thread)
    })
}

/// Returns the cost of one repetition.
fn difference(few: usize, count: impl Fn(usize) -> Result<f64, Failure>) -> Result<f64, Failure> {
    let many = few * MORE;
    Ok((count(many)? - count(few)?) / number(many - few))
}
