//! Runs a scenario against the program, as the recorder runs it against codex.

use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, RecordedRequest};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::Instant;

use super::fill::Fill;
use super::normalise::Normaliser;
use super::recording::{Said, Transcript};
use super::scenario::{Awaited, Scenario, Step};
use super::stub;
use crate::ports::LoginPorts;
use crate::tls::{Http, certified};
use crate::{Server, Setup};

/// How long the program must be silent before a message is sent to it.
const SILENCE: Duration = Duration::from_millis(250);
/// How long it must be silent before its input is closed at the end.
const LAST_SILENCE: Duration = Duration::from_millis(500);
/// Timeout of a step. A host has ten seconds for a refresh.
const LONGEST_WAIT: Duration = Duration::from_secs(14);
/// Timeout after another step has timed out.
const SHORT_WAIT: Duration = Duration::from_secs(2);
/// How long the program may take to exit.
const LONGEST_END: Duration = Duration::from_secs(10);

/// The program and its client in one scenario.
struct Play {
    input: Option<ChildStdin>,
    output: Option<Lines<BufReader<ChildStdout>>>,
    fill: Fill,
    exchange: Vec<Said>,
    /// The program's messages, and whether a step has awaited them.
    heard: Vec<(Value, bool)>,
    last_traffic: Instant,
    stuck: Vec<String>,
}

/// Runs a scenario from start to end.
///
/// # Panics
///
/// When the program does not start or writes invalid JSON.
pub async fn play(scenario: &Scenario) -> Transcript {
    let _ports = if scenario.asks_for_browser() {
        Some(LoginPorts::take().await)
    } else {
        None
    };
    let backend = DevBackend::start(Options::new()).expect("a backend");
    let origin = scenario.has_origin().then(Origin::start);
    let url = origin.as_ref().map(|origin| origin.backend.base_url());
    let mut fill = Fill::new(backend.base_url(), url.clone());
    backend.set_script(stub::script(&fill.value(&scenario.backend, &[])));
    let mut setup = Setup::default().config(&fill.text(&scenario.config));
    if let (Some(origin), Some(url)) = (&origin, &url) {
        let certificate = origin.certificate.path().to_string_lossy();
        setup = setup
            .argument("-c")
            .argument(&format!("byokey.workspace_origins=[\"{url}\"]"))
            .environment("CODEX_CA_CERTIFICATE", &certificate);
    }
    let mut server = setup.start();
    let (input, output) = server.pipes();
    let mut play = Play {
        input: Some(input),
        output: Some(BufReader::new(output).lines()),
        fill,
        exchange: Vec::new(),
        heard: Vec::new(),
        last_traffic: Instant::now(),
        stuck: Vec::new(),
    };
    for step in &scenario.steps {
        play.step(step).await;
    }
    play.silence(LAST_SILENCE).await;
    play.input = None;
    let exit = play.end(&mut server).await;
    play.transcript(scenario, &server, (&backend, origin.as_ref()), exit)
}

/// The origin of a workspace: a second backend, behind TLS.
struct Origin {
    backend: DevBackend,
    certificate: NamedTempFile,
}

impl Origin {
    fn start() -> Self {
        let (config, pem) = certified(Http::One);
        let certificate = NamedTempFile::new().expect("a file");
        std::io::Write::write_all(&mut certificate.as_file(), pem.as_bytes()).expect("a file");
        let backend = DevBackend::start(Options::new().tls(config)).expect("a backend");
        backend.set_script(stub::script(&json!({})));
        Self {
            backend,
            certificate,
        }
    }
}

impl Play {
    async fn step(&mut self, step: &Step) {
        match step {
            Step::Send { send, at_once } => {
                if !at_once {
                    self.silence(SILENCE).await;
                }
                self.send(send).await;
            }
            Step::Quiet { quiet } => {
                let until = Instant::now() + Duration::from_millis(*quiet);
                while self.hear(until).await {}
                tokio::time::sleep_until(until).await;
            }
            Step::Close { .. } => {
                self.silence(SILENCE).await;
                self.input = None;
            }
            Step::Await { what } => self.wait(what).await,
        }
    }

    async fn send(&mut self, message: &Value) {
        let answers: Vec<Value> = self
            .heard
            .iter()
            .filter(|(message, _)| message["method"].is_null())
            .map(|(message, _)| message.clone())
            .collect();
        let message = self.fill.value(message, &answers);
        let line = format!("{message}\n");
        self.exchange.push(Said::Client(message));
        self.last_traffic = Instant::now();
        // A program that has exited shows by its missing messages.
        if let Some(input) = &mut self.input {
            drop(input.write_all(line.as_bytes()).await);
        }
    }

    async fn wait(&mut self, what: &Awaited) {
        let longest = if self.stuck.is_empty() {
            LONGEST_WAIT
        } else {
            SHORT_WAIT
        };
        let until = Instant::now() + longest;
        loop {
            if let Some(found) = self.find(what) {
                if let Some(answer) = &what.answer {
                    let mut answer = answer.clone();
                    answer["id"] = found["id"].clone();
                    self.send(&answer).await;
                }
                return;
            }
            if !self.hear(until).await {
                let named = [&what.notification, &what.request].into_iter().flatten();
                let response = what.response.iter().map(|id| format!("answer {id}"));
                self.stuck.extend(named.cloned().chain(response));
                return;
            }
        }
    }

    /// Returns the message that a step awaits. A notification or request is found once.
    fn find(&mut self, what: &Awaited) -> Option<Value> {
        let wanted = |message: &Value| {
            let (method, id) = (message["method"].as_str(), &message["id"]);
            match (&what.response, &what.notification, &what.request) {
                (Some(wanted), ..) => method.is_none() && id == wanted,
                (_, Some(wanted), _) => method == Some(wanted) && id.is_null(),
                (_, _, Some(wanted)) => method == Some(wanted) && !id.is_null(),
                _ => false,
            }
        };
        let (message, used) = self
            .heard
            .iter_mut()
            .find(|(message, used)| !*used && wanted(message))?;
        *used = what.response.is_none();
        Some(message.clone())
    }

    /// Waits until the program has been silent for this time.
    async fn silence(&mut self, silence: Duration) {
        let latest = Instant::now() + LONGEST_WAIT;
        while self.last_traffic + silence > Instant::now() && Instant::now() < latest {
            if !self.hear(self.last_traffic + silence).await {
                return;
            }
        }
    }

    /// Receives one message, if it arrives in time.
    async fn hear(&mut self, until: Instant) -> bool {
        let Some(output) = &mut self.output else {
            return false;
        };
        let Ok(line) = tokio::time::timeout_at(until, output.next_line()).await else {
            return false;
        };
        let Some(line) = line.expect("readable output") else {
            self.output = None;
            return false;
        };
        let message: Value = serde_json::from_str(&line).expect("a line is JSON");
        self.exchange.push(Said::Server(message.clone()));
        self.heard.push((message, false));
        self.last_traffic = Instant::now();
        true
    }

    async fn end(&mut self, server: &mut Server) -> Option<i32> {
        let until = Instant::now() + LONGEST_END;
        while self.hear(until).await {}
        if self.output.is_some() {
            self.stuck.push("exit".to_owned());
            return None;
        }
        server.exit_code().await
    }

    fn transcript(
        self,
        scenario: &Scenario,
        server: &Server,
        (backend, origin): (&DevBackend, Option<&Origin>),
        exit: Option<i32>,
    ) -> Transcript {
        let folder = |path: &std::path::Path| path.to_string_lossy().into_owned();
        let url = self.fill.backend().to_owned();
        let address = url.trim_start_matches("http://").to_owned();
        let tokens = self.fill.labels.into_iter();
        let mut replaced: Vec<_> = tokens
            .map(|(token, label)| (token, format!("<jwt:{label}>")))
            .collect();
        replaced.extend([
            (folder(&server.home.codex_home()), "<home>".to_owned()),
            (folder(server.home.path()), "<home>/work".to_owned()),
            (url, "<backend>".to_owned()),
            (address, "<backend-address>".to_owned()),
        ]);
        let text = format!("{:?}", scenario.steps);
        if let Some(origin) = origin {
            replaced.push((origin.backend.base_url(), "<origin>".to_owned()));
        }
        let mut normaliser = Normaliser::new(replaced, text);
        let (mut exchange, mut unordered) = (Vec::new(), Vec::new());
        for said in &self.exchange {
            match said {
                Said::Client(message) => exchange.push(Said::Client(normaliser.value(message))),
                Said::Server(message) if message["method"] == "warning" => {
                    unordered.push(Said::Server(normaliser.value(message)));
                }
                Said::Server(message) => exchange.push(Said::Server(normaliser.value(message))),
            }
        }
        let mut entries: Vec<_> = backend.requests().iter().filter_map(entry).collect();
        for mut at_origin in origin
            .iter()
            .flat_map(|it| it.backend.requests())
            .filter_map(|request| entry(&request))
        {
            at_origin["at"] = "origin".into();
            entries.push(at_origin);
        }
        let backend = entries
            .iter()
            .map(|entry| normaliser.value(entry))
            .collect();
        Transcript {
            exchange,
            unordered,
            backend,
            exit,
            stuck: self.stuck,
        }
    }
}

/// Returns a request in the recorder's format.
fn entry(request: &RecordedRequest) -> Option<Value> {
    let route = request.route?;
    let (path, query) = match request.path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&*request.path, None),
    };
    let mut entry = json!({
        "route": route.name(),
        "method": request.method.as_str(),
        "path": path,
        "authorization": request.bearer(),
        "accountId": request.header("chatgpt-account-id"),
        "headers": {},
    });
    if let Some(query) = query {
        entry["query"] = query.into();
    }
    for name in [
        "originator",
        "user-agent",
        "accept",
        "content-type",
        "openai-beta",
        "version",
        "x-openai-fedramp",
        "x-openai-account-routing-override",
        "x-openai-internal-codex-residency",
    ] {
        if let Some(value) = request.header(name) {
            entry["headers"][name] = value.into();
        }
    }
    if route.name() == "responses" {
        let sent = request.json().unwrap_or_default();
        entry["body"] = json!({
            "model": sent["model"],
            "stream": sent["stream"],
            "store": sent["store"],
            "lastUserText": last_user_text(&sent),
        });
    }
    Some(entry)
}

fn last_user_text(sent: &Value) -> Option<&Value> {
    let items = sent["input"].as_array()?.iter();
    let users = items.filter(|item| item["role"] == "user");
    users
        .filter_map(|item| item["content"].as_array())
        .flatten()
        .next_back()
        .map(|part| &part["text"])
}
