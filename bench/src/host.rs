//! A host connected to a program: it answers refreshes at once and counts them.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Failure;
use crate::candidate::{Candidate, Kind};
use crate::process::Process;
use crate::site::{ACCOUNT, Site, token};

/// A request that every app-server answers without the backend.
pub(crate) const READ: &str = r#""method":"account/read","params":{"refreshToken":false}"#;
/// The first message of a connection.
pub(crate) const INITIALIZE: &[u8] = br#"{"id":0,"method":"initialize","params":{"clientInfo":{"name":"bench","title":"Bench","version":"1.0"},"capabilities":{"experimentalApi":true}}}
"#;

/// A host connected to a program.
pub(crate) struct Host {
    /// The program.
    pub(crate) process: Process,
    /// Answered refresh requests.
    pub(crate) refreshes: usize,
    /// The number of its last token.
    pub(crate) token: usize,
    kind: Kind,
    next_id: u64,
}

impl Host {
    /// Starts a program, and runs the handshake unless it is an echo.
    pub(crate) fn start(candidate: &Candidate, site: &Site) -> Result<Self, Failure> {
        Self::start_with(candidate, site, &[])
    }

    /// The same, with these arguments.
    pub(crate) fn start_with(
        candidate: &Candidate,
        site: &Site,
        arguments: &[&str],
    ) -> Result<Self, Failure> {
        Self::start_in(candidate, site.home.path(), arguments)
    }

    /// The same, in this home folder.
    pub(crate) fn start_in(
        candidate: &Candidate,
        home: &Path,
        arguments: &[&str],
    ) -> Result<Self, Failure> {
        let process = Process::start(candidate, home, arguments)?.watched();
        let mut host = Self {
            process,
            refreshes: 0,
            token: 0,
            kind: candidate.kind,
            next_id: 1,
        };
        if candidate.kind != Kind::Echo {
            host.process.write(INITIALIZE)?;
            host.answer(0)?;
            host.process.write(b"{\"method\":\"initialized\"}\n")?;
        }
        Ok(host)
    }

    /// Returns the id of the next request.
    pub(crate) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Sends a request and waits for its result.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        let id = self.send(method, params)?;
        self.answer(id)
    }

    /// Sends a request and returns its id.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> Result<u64, Failure> {
        let id = self.id();
        let message = json!({"id": id, "method": method, "params": params});
        self.process.write(format!("{message}\n").as_bytes())?;
        Ok(id)
    }

    /// Waits for the result of a request.
    pub(crate) fn answer(&mut self, id: u64) -> Result<Value, Failure> {
        loop {
            let mut message = self.message()?;
            if message["id"] == id && message["method"].is_null() {
                if message["error"].is_null() {
                    return Ok(message["result"].take());
                }
                return Err(format!("the answer is an error: {}", message["error"]).into());
            }
        }
    }

    /// Waits for a notification.
    pub(crate) fn notification(&mut self, method: &str) -> Result<Value, Failure> {
        loop {
            let mut message = self.message()?;
            if message["method"] == method {
                return Ok(message["params"].take());
            }
        }
    }

    /// Returns the next message. A refresh request before it is answered.
    pub(crate) fn message(&mut self) -> Result<Value, Failure> {
        loop {
            let message: Value = serde_json::from_slice(self.process.line()?)?;
            if self.kind == Kind::Echo || message["method"] != "account/chatgptAuthTokens/refresh" {
                return Ok(message);
            }
            self.refreshes += 1;
            self.token += 1;
            let mut tokens = tokens(self.token);
            tokens["chatgptPlanType"] = "pro".into();
            let answer = json!({"id": message["id"], "result": tokens});
            self.process.write(format!("{answer}\n").as_bytes())?;
        }
    }

    /// Logs in with the token of this number.
    pub(crate) fn login(&mut self, number: usize) -> Result<(), Failure> {
        self.token = number;
        let mut params = tokens(number);
        params["type"] = "chatgptAuthTokens".into();
        params["chatgptPlanType"] = "pro".into();
        self.request("account/login/start", &params).map(drop)
    }

    /// Waits until there has been no message for this long.
    pub(crate) fn settle(&mut self, quiet: Duration) -> Result<(), Failure> {
        while self.process.has_output(quiet)? {
            self.message()?;
        }
        Ok(())
    }

    /// Starts a thread and returns its id.
    pub(crate) fn thread(&mut self) -> Result<String, Failure> {
        let params =
            json!({"model": "mock-model", "approvalPolicy": "never", "sandbox": "read-only"});
        let started = self.request("thread/start", &params)?;
        let id = started["thread"]["id"].as_str();
        Ok(id.ok_or("a thread has no id")?.to_owned())
    }

    /// Starts a turn.
    pub(crate) fn start_turn(&mut self, thread: &str) -> Result<(), Failure> {
        self.start_turn_with(thread, "hello")
    }

    fn start_turn_with(&mut self, thread: &str, text: &str) -> Result<(), Failure> {
        let input = json!([{"type": "text", "text": text, "text_elements": []}]);
        let params = json!({"threadId": thread, "input": input});
        self.send("turn/start", &params).map(drop)
    }

    /// Runs a turn to its end.
    pub(crate) fn turn(&mut self, thread: &str) -> Result<(), Failure> {
        self.turn_with(thread, "hello").map(drop)
    }

    /// Runs a turn with this input to its end. Returns the length of the answer, in bytes.
    pub(crate) fn turn_with(&mut self, thread: &str, text: &str) -> Result<usize, Failure> {
        self.start_turn_with(thread, text)?;
        let mut answer = 0;
        loop {
            let message = self.message()?;
            let params = &message["params"];
            if message["method"] == "item/completed" && params["item"]["type"] == "agentMessage" {
                answer += params["item"]["text"].as_str().map_or(0, str::len);
            }
            if message["method"] == "turn/completed" {
                if params["turn"]["status"] == "completed" {
                    return Ok(answer);
                }
                let why = &params["turn"]["error"]["message"];
                return Err(format!("a turn failed: {why}").into());
            }
        }
    }
}

fn tokens(number: usize) -> Value {
    let token = token(number);
    json!({"accessToken": token, "idToken": token, "chatgptAccountId": ACCOUNT})
}
