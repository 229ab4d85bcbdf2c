//! A gateway of the program, and plain HTTP requests to it.

use std::path::Path;
use std::process::Stdio;

use byokey_dev_backend::DevBackend;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin};
use tokio::task::JoinSet;

use crate::server::mock_provider;
use crate::{Home, PATIENCE, byokey, byokey_measured, command};

/// The personal access token of [`Gateway::start`]. Fake.
pub const TOKEN: &str = "at-made-up-token-behind-a-gateway";

/// `byokey gateway --json`: it ends when this value goes.
#[derive(Debug)]
pub struct Gateway {
    /// The process.
    pub child: Child,
    /// Its standard input; the end of it ends the process.
    pub stdin: Option<ChildStdin>,
    /// Its address.
    pub url: String,
    /// Its bearer.
    pub bearer: String,
    /// What it announced.
    pub announced: Value,
    /// Its home.
    pub home: Home,
}

impl Gateway {
    /// Starts a gateway with a personal access token; the backend names its owner.
    ///
    /// # Panics
    ///
    /// When it does not serve in time.
    pub async fn start(backend: &DevBackend, arguments: &[&str]) -> Self {
        let url = backend.base_url();
        let accounts = format!("{url}/api/accounts");
        let environment = [
            ("CODEX_ACCESS_TOKEN", TOKEN),
            ("CODEX_AUTHAPI_BASE_URL", accounts.as_str()),
        ];
        let config =
            format!("chatgpt_base_url = \"{url}/backend-api\"\nopenai_base_url = \"{url}/v1\"\n");
        Self::in_home(Home::new(&config), arguments, &environment).await
    }

    /// Starts a gateway with an API key of the environment.
    ///
    /// # Panics
    ///
    /// When it does not serve in time.
    pub async fn with_api_key(backend: &DevBackend, key: &str) -> Self {
        let config = mock_provider(&backend.base_url());
        Self::in_home(Home::new(&config), &[], &[("OPENAI_API_KEY", key)]).await
    }

    /// Starts a gateway in a home.
    ///
    /// # Panics
    ///
    /// When it does not serve in time.
    pub async fn in_home(home: Home, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::of_program(&byokey(), home, arguments, environment).await
    }

    /// Starts a gateway of the program that is measured, as [`Gateway::start`].
    ///
    /// # Panics
    ///
    /// When it does not serve in time.
    pub async fn measured(backend: &DevBackend) -> Self {
        let url = backend.base_url();
        let accounts = format!("{url}/api/accounts");
        let environment = [
            ("CODEX_ACCESS_TOKEN", TOKEN),
            ("CODEX_AUTHAPI_BASE_URL", accounts.as_str()),
        ];
        let home = Home::new(&format!("chatgpt_base_url = \"{url}/backend-api\"\n"));
        Self::of_program(&byokey_measured(), home, &[], &environment).await
    }

    async fn of_program(
        program: &Path,
        home: Home,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut command = command::command_of(program, &home, &["gateway", "--json"], environment);
        command.args(arguments);
        let mut child = command.stderr(Stdio::inherit()).spawn().expect("it starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("its output"));
        let line = tokio::time::timeout(PATIENCE, stdout.lines().next_line()).await;
        let line = line
            .expect("it serves in time")
            .expect("a line")
            .expect("a line");
        let announced: Value = serde_json::from_str(&line).expect("JSON");
        let text = |member: &str| announced[member].as_str().unwrap_or_default().to_owned();
        Self {
            url: text("url"),
            bearer: text("bearer"),
            child,
            stdin,
            announced,
            home,
        }
    }

    /// Returns a client of it.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.url, &self.bearer)
    }
}

/// A client that writes requests as they are.
#[derive(Clone, Debug)]
pub struct Client {
    /// Host and port.
    pub authority: String,
    /// The bearer.
    pub bearer: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// The lines of its head.
    pub head: String,
    /// Its body, of chunks as well.
    pub body: String,
    /// Whether it is complete: it did not break off.
    pub is_whole: bool,
}

impl Answer {
    /// Returns its body as JSON.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the code of an error.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Returns a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim())
    }
}

/// The body of a model request that the strict backend takes.
pub const TURN: &str = r#"{"model":"gpt-5.5","instructions":"Be brief.","store":false,"stream":true,"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Hello"}]}]}"#;

impl Client {
    /// Returns a client of this address.
    ///
    /// # Panics
    ///
    /// When it is not of `http`.
    #[must_use]
    pub fn new(url: &str, bearer: &str) -> Self {
        Self {
            authority: url.strip_prefix("http://").expect("an address").to_owned(),
            bearer: bearer.to_owned(),
        }
    }

    /// Returns the head of a request with the bearer.
    #[must_use]
    pub fn head(&self, request: &str, headers: &str) -> String {
        let Self { authority, bearer } = self;
        format!(
            "{request} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {bearer}\r\n{headers}"
        )
    }

    /// Reads something.
    pub async fn get(&self, path: &str) -> Answer {
        let head = self.head(&format!("GET {path}"), "Connection: close\r\n\r\n");
        self.raw(head.as_bytes()).await
    }

    /// Sends a JSON document.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.post_with(path, body, "").await
    }

    /// Sends a JSON document that many times at once.
    pub fn posts(&self, count: usize, path: &'static str, body: &'static str) -> JoinSet<Answer> {
        let post = || {
            let client = self.clone();
            async move { client.post(path, body).await }
        };
        std::iter::repeat_with(post).take(count).collect()
    }

    /// Sends a JSON document with further headers, each with its line end.
    pub async fn post_with(&self, path: &str, body: &str, headers: &str) -> Answer {
        let length = body.len();
        let headers = format!(
            "Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
        );
        let head = self.head(&format!("POST {path}"), &headers);
        self.raw(&[head.as_bytes(), body.as_bytes()].concat()).await
    }

    /// Opens a connection.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.authority)
            .await
            .expect("a connection")
    }

    /// Sends these bytes on a new connection, and reads until its end.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    pub async fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect().await;
        // A request that is refused at its head need not be read.
        drop(stream.write_all(request).await);
        answer(stream).await
    }
}

/// Reads an answer until the connection ends.
///
/// # Panics
///
/// When it does not end in time.
pub async fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(3 * PATIENCE, stream.read_to_end(&mut bytes)).await;
    // A connection that is reset has answered before.
    drop(read.expect("it ends in time"));
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    let is_chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    let (body, is_whole) = if is_chunked {
        unchunked(body)
    } else {
        (body.to_owned(), true)
    };
    Answer {
        status: status.unwrap_or_default(),
        head: head.to_owned(),
        body,
        is_whole,
    }
}

/// Joins the chunks of a body; and whether the last one was there.
fn unchunked(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        match usize::from_str_radix(size, 16) {
            Ok(0) => return (body, true),
            Ok(size) => {
                body.push_str(after.get(..size).unwrap_or(after));
                rest = after.get(size + 2..).unwrap_or_default();
            }
            Err(_) => break,
        }
    }
    (body, false)
}
