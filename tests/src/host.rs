//! A host: it talks to the program and queues received messages.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, ChildStdout};

use crate::wire::Messages;
use crate::{Canaries, Framing, PATIENCE, Server};

/// A host connected to the program.
#[derive(Debug)]
pub struct Host {
    input: Option<ChildStdin>,
    output: Messages<ChildStdout>,
    framing: Framing,
    canaries: Canaries,
    /// Received and not yet awaited.
    kept: VecDeque<Value>,
    next_id: i64,
}

/// An error response.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The code.
    pub code: i64,
    /// The text.
    pub message: String,
    /// The data; null if there is none.
    pub data: Value,
}

impl Refused {
    /// Returns `data.kind`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.data["kind"].as_str().unwrap_or_default()
    }
}

impl Host {
    /// Returns a host before its handshake, with JSON lines.
    pub fn new(server: &mut Server) -> Self {
        Self::framed(server, Framing::Lines)
    }

    /// Returns a host before its handshake.
    pub fn framed(server: &mut Server, framing: Framing) -> Self {
        let pipes = server.pipes();
        Self::over(pipes, framing, &server.canaries)
    }

    /// Returns a host over these pipes. The canaries are those of the program.
    #[must_use]
    pub fn over(
        (input, output): (ChildStdin, ChildStdout),
        framing: Framing,
        canaries: &Canaries,
    ) -> Self {
        Self {
            canaries: canaries.clone(),
            framing,
            output: Messages::new(output, framing),
            input: Some(input),
            kept: VecDeque::new(),
            next_id: 0,
        }
    }

    /// Returns a host after its handshake.
    pub async fn initialized(server: &mut Server) -> Self {
        Self::with_capabilities(server, json!({"experimentalApi": true})).await
    }

    /// Returns a host after a handshake with these capabilities.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub async fn with_capabilities(server: &mut Server, capabilities: Value) -> Self {
        let mut host = Self::new(server);
        host.introduce("test-host", capabilities).await;
        host
    }

    /// Runs the handshake under a name. Returns the response.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub async fn introduce(&mut self, name: &str, capabilities: Value) -> Value {
        let client = json!({"name": name, "title": "Test host", "version": "1.0"});
        let params = json!({"clientInfo": client, "capabilities": capabilities});
        let answer = self.request("initialize", params).await;
        self.send(&json!({"method": "initialized"})).await;
        answer.expect("initialize is answered")
    }

    /// Sends bytes verbatim.
    ///
    /// # Panics
    ///
    /// When the pipe is closed.
    pub async fn send_raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("the input is open");
        let written = tokio::time::timeout(PATIENCE, input.write_all(bytes)).await;
        written
            .expect("the program reads in time")
            .expect("the program reads");
    }

    /// Sends a message. Its secrets must not come back.
    pub async fn send(&mut self, message: &Value) {
        self.canaries.learn(message);
        self.send_raw(&self.framing.frame(&message.to_string()))
            .await;
    }

    /// Sends a request and returns its id.
    pub async fn start(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({"id": id, "method": method, "params": params}))
            .await;
        id
    }

    /// Sends a request and waits for its result.
    ///
    /// # Errors
    ///
    /// The error response.
    pub async fn request(&mut self, method: &str, params: Value) -> Result<Value, Refused> {
        let id = self.start(method, params).await;
        self.answer(id).await
    }

    /// Waits for the result of a request.
    ///
    /// # Errors
    ///
    /// The error response.
    pub async fn answer(&mut self, id: impl Into<Value>) -> Result<Value, Refused> {
        let id = id.into();
        let mut answer = self
            .find(|message| message["method"].is_null() && message["id"] == id)
            .await;
        if answer["error"].is_null() {
            return Ok(answer["result"].take());
        }
        let mut error = answer["error"].take();
        Err(Refused {
            code: error["code"].as_i64().unwrap_or_default(),
            message: error["message"].as_str().unwrap_or_default().to_owned(),
            data: error["data"].take(),
        })
    }

    /// Waits for a notification and returns its parameters.
    pub async fn notification(&mut self, method: &str) -> Value {
        let is_it = |message: &Value| message["method"] == method && message["id"].is_null();
        self.find(is_it).await["params"].take()
    }

    /// Waits for a request of the server; returns its id and parameters.
    pub async fn asked(&mut self, method: &str) -> (Value, Value) {
        let is_it = |message: &Value| message["method"] == method && !message["id"].is_null();
        let mut message = self.find(is_it).await;
        (message["id"].take(), message["params"].take())
    }

    /// Answers a request of the server.
    pub async fn respond(&mut self, id: &Value, result: Value) {
        self.send(&json!({"id": id, "result": result})).await;
    }

    /// Answers a request of the server with an error.
    pub async fn respond_error(&mut self, id: &Value, code: i64, message: &str) {
        self.send(&json!({"id": id, "error": {"code": code, "message": message}}))
            .await;
    }

    /// Logs in with tokens.
    ///
    /// # Panics
    ///
    /// When the login is refused.
    pub async fn login(&mut self, access_token: &str, account: &str) {
        let params = json!({
            "type": "chatgptAuthTokens",
            "accessToken": access_token,
            "chatgptAccountId": account,
        });
        self.request("account/login/start", params)
            .await
            .expect("the login is taken");
        self.notification("account/login/completed").await;
        self.notification("account/updated").await;
    }

    /// Returns the next message of any kind; `None` at the end of output.
    ///
    /// # Panics
    ///
    /// When there is none in time, or it is not JSON.
    pub async fn next(&mut self) -> Option<Value> {
        match self.kept.pop_front() {
            Some(message) => Some(message),
            None => self.read().await,
        }
    }

    /// Returns the messages of this period, and the queued ones.
    pub async fn quiet_for(&mut self, time: std::time::Duration) -> Vec<Value> {
        let mut seen: Vec<Value> = self.kept.drain(..).collect();
        let deadline = tokio::time::Instant::now() + time;
        while let Ok(Ok(Some(message))) =
            tokio::time::timeout_at(deadline, self.output.next()).await
        {
            self.canaries.check_message(&message);
            seen.push(message);
        }
        seen
    }

    /// Closes the program's input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Reads until the end of output.
    pub async fn rest(&mut self) -> Vec<Value> {
        let mut rest: Vec<Value> = self.kept.drain(..).collect();
        while let Some(message) = self.read().await {
            rest.push(message);
        }
        rest
    }

    async fn find(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&is_it) {
            return self.kept.remove(at).unwrap_or_default();
        }
        loop {
            let message = self
                .read()
                .await
                .expect("the program has not closed its output");
            if is_it(&message) {
                return message;
            }
            self.kept.push_back(message);
        }
    }

    async fn read(&mut self) -> Option<Value> {
        let message = tokio::time::timeout(PATIENCE, self.output.next()).await;
        let message = message
            .expect("a message comes in time")
            .expect("a readable message")?;
        self.canaries.check_message(&message);
        Some(message)
    }
}
