//! A model that streams, with the time of sending in each delta.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// The start of this program's clock.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Marks the time in a delta.
const MARK: &[u8] = b"sent-at-";

/// The model's behaviour.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// The number of deltas.
    pub(crate) pieces: usize,
    /// The delay before each.
    pub(crate) pause: Duration,
    /// The refused bearers.
    pub(crate) refused: Option<String>,
}

/// A model that streams. Its threads end with their connections; the one that accepts them ends
/// when the model is dropped.
pub(crate) struct Model {
    address: SocketAddr,
    manner: Arc<Mutex<Option<Manner>>>,
}

impl Model {
    /// Starts one that answers with one delta.
    pub(crate) fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let manner = Arc::new(Mutex::new(Some(Manner {
            pieces: 1,
            pause: Duration::ZERO,
            refused: None,
        })));
        let shared = Arc::clone(&manner);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let manner = lock(&shared).clone();
                let Some(manner) = manner else { return };
                // A broken connection is not a failure of the model.
                thread::spawn(move || drop(answer(stream, &manner)));
            }
        });
        Ok(Self { address, manner })
    }

    /// Returns its URL.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the behaviour from now on.
    pub(crate) fn set(&self, manner: Manner) {
        *lock(&self.manner) = Some(manner);
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        *lock(&self.manner) = None;
        // Wakes the accepting thread, which then ends.
        drop(TcpStream::connect(self.address));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the age of the delta in this message, in seconds; `None` if there is none.
pub(crate) fn age(message: &[u8]) -> Option<f64> {
    let now = EPOCH.elapsed().as_secs_f64();
    let at = memchr::memmem::find(message, MARK)? + MARK.len();
    let rest = message.get(at..)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sent: u64 = std::str::from_utf8(rest.get(..digits)?)
        .ok()?
        .parse()
        .ok()?;
    Some(now - Duration::from_nanos(sent).as_secs_f64())
}

fn answer(stream: TcpStream, manner: &Manner) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut length, mut bearer) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse()?,
            "authorization" => bearer = value.trim().replace("Bearer ", ""),
            _ => {}
        }
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    if manner.refused.as_ref() == Some(&bearer) {
        return refuse(stream);
    }
    stream_reply(stream, manner)
}

fn refuse(mut stream: TcpStream) -> Result<(), Failure> {
    let head = "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    Ok(stream.write_all(head.as_bytes())?)
}

fn stream_reply(mut stream: TcpStream, manner: &Manner) -> Result<(), Failure> {
    stream.write_all(
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n",
    )?;
    event(
        &mut stream,
        "response.created",
        r#""response":{"id":"resp-1"}"#,
    )?;
    let item = |status: &str, text: &str| {
        format!(
            r#""output_index":0,"item":{{"id":"msg-1","type":"message","role":"assistant","status":"{status}","content":[{{"type":"output_text","text":"{text}","annotations":[]}}]}}"#
        )
    };
    event(
        &mut stream,
        "response.output_item.added",
        &item("in_progress", ""),
    )?;
    for _ in 0..manner.pieces {
        thread::sleep(manner.pause);
        let sent = EPOCH.elapsed().as_nanos();
        let delta = format!(
            r#""item_id":"msg-1","output_index":0,"content_index":0,"delta":"{}{sent} ""#,
            String::from_utf8_lossy(MARK)
        );
        event(&mut stream, "response.output_text.delta", &delta)?;
    }
    event(
        &mut stream,
        "response.output_item.done",
        &item("completed", "done"),
    )?;
    event(
        &mut stream,
        "response.completed",
        r#""response":{"id":"resp-1","status":"completed","output":[],"usage":{"input_tokens":1,"input_tokens_details":{"cached_tokens":0},"output_tokens":1,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":2}}"#,
    )
}

fn event(stream: &mut TcpStream, name: &str, members: &str) -> Result<(), Failure> {
    let event = format!("event: {name}\ndata: {{\"type\":\"{name}\",{members}}}\n\n");
    Ok(stream.write_all(event.as_bytes())?)
}
