//! `--record FILE`: one JSON line for each turn. It holds what was said, and no header and no token.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use byokey_auth::Lease;
use byokey_base::owner_only::{self, FileFailure};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use super::body::{Room, Share};
use super::members::{Item, Members, each_item};
use super::output::{EndKind, Output};

const MIB: usize = 1024 * 1024;
/// Longest input of one line; a longer one is left out.
const MAX_INPUT: usize = 16 * MIB;
/// Most threads with a known input; the one that was not used for the longest time is forgotten.
const MAX_THREADS: usize = 256;
/// Longest name of a thread or model.
const MAX_NAME: usize = 256;

/// Writes the turns of a gateway into a file.
#[derive(Debug)]
pub struct Recorder {
    file: Arc<File>,
    /// Writes the lines: a disk may be slow, and all turns share one thread with the network. It is
    /// started by the first line, when the process is restricted.
    writer: Mutex<Option<Writer>>,
    threads: Mutex<Threads>,
}

#[derive(Debug)]
struct Writer {
    lines: Sender<Finished>,
    thread: JoinHandle<()>,
}

/// A turn that is over, and the room that it takes until it is written.
#[derive(Debug)]
struct Finished {
    line: Line,
    _input: Option<Share>,
    _output: Output,
}

/// The inputs of the latest turns, as digests.
#[derive(Debug, Default)]
struct Threads {
    hasher: RandomState,
    latest: HashMap<String, Latest>,
    turns: u64,
}

#[derive(Debug)]
struct Latest {
    /// The number of items, and the digest of all of them.
    input: (usize, u64),
    turn: u64,
}

/// A turn that is being recorded. It is written on drop.
#[derive(Debug)]
pub(super) struct Turn {
    recorder: Arc<Recorder>,
    begun: Instant,
    line: Line,
    pub(super) output: Output,
    /// The room that its input takes.
    share: Option<Share>,
}

/// One line. Times are those of the request's arrival.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    at: String,
    thread: Option<String>,
    model: Option<String>,
    account: Option<Account>,
    /// The items since the last turn of the thread, without those that the model wrote; `None` if
    /// the body is compressed, they are too long, or those of other turns leave no room.
    input: Option<Box<RawValue>>,
    output: Option<Box<RawValue>>,
    /// Whether output was left out, because it is too long.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_cut: bool,
    usage: Option<Box<RawValue>>,
    status: &'static str,
    http_status: Option<u16>,
    ms: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
}

impl Recorder {
    /// Opens a file for appending, or creates it for its owner alone.
    ///
    /// # Errors
    ///
    /// When it is not a regular file of this user, or is a link.
    pub fn open(path: &Path) -> Result<Self, FileFailure> {
        Ok(Self {
            file: Arc::new(owner_only::open_append(path)?),
            writer: Mutex::default(),
            threads: Mutex::default(),
        })
    }

    /// Begins the record of a turn.
    pub(super) fn begin(
        self: &Arc<Self>,
        headers: &HeaderMap,
        body: &[u8],
        lease: Option<&Lease>,
        room: &Arc<Room>,
    ) -> Turn {
        let text = std::str::from_utf8(body).unwrap_or_default();
        let members = Members::of(text);
        let named = |name: &str| {
            let text = members.as_ref()?.text(name)?;
            (text.len() <= MAX_NAME).then_some(text)
        };
        let header = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?;
            (value.len() <= MAX_NAME).then(|| value.to_owned())
        };
        let thread = ["thread-id", "session-id", "session_id"]
            .into_iter()
            .find_map(header);
        let thread = thread.or_else(|| named("prompt_cache_key"));
        let input = members.as_ref().and_then(|members| members.get("input"));
        let input = input.and_then(|input| self.new_items(thread.as_deref(), input));
        let share = input
            .as_ref()
            .and_then(|input| Share::of(room, input.get().len()).ok());
        let input = input.filter(|_| share.is_some());
        let now = OffsetDateTime::now_utc().format(&Rfc3339);
        let line = Line {
            at: now.unwrap_or_default(),
            model: named("model"),
            thread,
            account: lease.map(account),
            input,
            output: list(String::new()),
            is_cut: false,
            usage: None,
            status: "brokenOff",
            http_status: None,
            ms: 0,
        };
        Turn {
            recorder: Arc::clone(self),
            begun: Instant::now(),
            line,
            output: Output::default(),
            share,
        }
    }

    /// Returns the list of the items of an input that are new in this thread.
    fn new_items(&self, thread: Option<&str>, input: &RawValue) -> Option<Box<RawValue>> {
        let known = thread.map_or(0, |thread| {
            let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
            threads.advance(thread, input)
        });
        let mut number = 0;
        let mut new = Some(String::new());
        each_item(input, |item| {
            number += 1;
            if number <= known || known > 0 && Item::of(item).is_some_and(|it| it.is_of_the_model())
            {
                return;
            }
            new = new
                .take()
                .filter(|new| new.len() + item.get().len() < MAX_INPUT);
            if let Some(new) = &mut new {
                if !new.is_empty() {
                    new.push(',');
                }
                new.push_str(item.get());
            }
        });
        list(new?)
    }

    fn write(&self, finished: Finished) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_none() {
            *writer = Writer::start(&self.file).ok();
        }
        match &*writer {
            Some(writer) => drop(writer.lines.send(finished)),
            None => drop(write(&self.file, &finished.line)),
        }
    }
}

impl Drop for Recorder {
    /// The last lines are written before the process ends.
    fn drop(&mut self) {
        let writer = self.writer.get_mut();
        if let Some(writer) = writer.unwrap_or_else(PoisonError::into_inner).take() {
            drop(writer.lines);
            let _ = writer.thread.join();
        }
    }
}

impl Writer {
    fn start(file: &Arc<File>) -> io::Result<Self> {
        let file = Arc::clone(file);
        let (lines, finished) = channel::<Finished>();
        let thread = std::thread::Builder::new().spawn(move || {
            let mut has_failed = false;
            for finished in finished {
                let written = write(&file, &finished.line);
                if let Err(error) = written
                    && !std::mem::replace(&mut has_failed, true)
                {
                    tracing::error!(
                        "a turn cannot be recorded: {error}; its line, and perhaps later ones, are \
                         missing"
                    );
                }
            }
        })?;
        Ok(Self { lines, thread })
    }
}

fn write(mut file: &File, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)
}

impl Threads {
    /// Remembers the input of a thread. Returns how many of its items were in the latest turn.
    fn advance(&mut self, thread: &str, input: &RawValue) -> usize {
        self.turns += 1;
        let latest = self.latest.get(thread).map(|latest| latest.input);
        let (mut known, mut count) = (0, 0);
        let mut hasher = self.hasher.build_hasher();
        each_item(input, |item| {
            hasher.write_usize(item.get().len());
            hasher.write(item.get().as_bytes());
            count += 1;
            if latest == Some((count, hasher.finish())) {
                known = count;
            }
        });
        let input = (count, hasher.finish());
        if self.latest.len() >= MAX_THREADS && !self.latest.contains_key(thread) {
            let oldest = self.latest.iter().min_by_key(|(_, latest)| latest.turn);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.latest.remove(&name);
            }
        }
        let turn = self.turns;
        self.latest
            .insert(thread.to_owned(), Latest { input, turn });
        known
    }
}

/// Returns the list of these items, which have commas between them.
fn list(items: String) -> Option<Box<RawValue>> {
    RawValue::from_string(["[", &items, "]"].concat()).ok()
}

fn account(lease: &Lease) -> Account {
    let account = lease.credential.chatgpt();
    Account {
        kind: match account {
            Some(_) => "chatgpt",
            None if matches!(*lease.credential, byokey_auth::Credential::ApiKey(_)) => "apiKey",
            None => "bearerToken",
        },
        email: account.and_then(|account| account.email.clone()),
        account_id: account.and_then(|account| account.id.clone()),
    }
}

impl Turn {
    /// Records the status of the answer.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.line.http_status = Some(status.as_u16());
        if !status.is_success() {
            self.line.status = "refused";
        }
    }

    /// Records a whole answer.
    pub(super) fn whole(&mut self, answer: &[u8]) {
        let text = std::str::from_utf8(answer).unwrap_or_default();
        let Some(members) = Members::of(text) else {
            return self.unread();
        };
        self.line.status = match members.text("status").as_deref() {
            // One that goes on in the background is not complete either.
            Some("incomplete" | "queued" | "in_progress") => "incomplete",
            Some("failed" | "cancelled") => "failed",
            _ => "completed",
        };
        self.line.usage = members.get("usage").map(ToOwned::to_owned);
        if let Some(output) = members.get("output") {
            self.line.output = Some(output.to_owned());
        }
    }

    /// Records that the answer came to its end, but could not be read.
    pub(super) const fn unread(&mut self) {
        self.line.status = "unread";
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let output = std::mem::take(&mut self.output);
        if let Some(items) = output.list() {
            self.line.output = Some(items);
        }
        self.line.is_cut = output.is_cut;
        if output.error.is_some() {
            self.line.status = "failed";
        }
        if let Some(end) = &output.end {
            self.line.status = match end.kind {
                EndKind::Completed => "completed",
                EndKind::Incomplete => "incomplete",
                EndKind::Failed => "failed",
            };
            let members = Members::of(end.response.get());
            let usage = members.and_then(|members| members.get("usage"));
            self.line.usage = usage.map(ToOwned::to_owned);
        }
        self.line.ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let none = Line::default();
        let finished = Finished {
            line: std::mem::replace(&mut self.line, none),
            _input: self.share.take(),
            _output: output,
        };
        self.recorder.write(finished);
    }
}
