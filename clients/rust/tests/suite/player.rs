//! Runs the client's side of a transcript of `clients/suite`.

use std::collections::HashMap;
use std::future::{Future as _, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use byokey_client::protocol::bearer_token::{BearerToken, BearerTokenRefreshParams};
use byokey_client::protocol::external_auth::{ExternalTokens, RefreshParams};
use byokey_client::protocol::methods::{AccountRead, LoginStart, Logout, Request};
use byokey_client::{
    Account, BearerTokenProvider, ByokeyClient, ByokeyError, EventStream, ProviderError,
    Supervisor, TokenProvider, command_tokens,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const KINDS: [&str; 13] = [
    "call",
    "result",
    "fails",
    "cancel",
    "cancelled",
    "event",
    "asked",
    "account",
    "logged",
    "restarted",
    "kill",
    "close",
    "closed",
];

/// A deviation from the transcript.
pub(crate) type Differs = String;

/// Returns `value` with each `$name` replaced.
pub(crate) fn filled(value: &Value, names: &Map<String, Value>) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), filled(member, names)))
            .collect(),
        Value::Array(elements) => elements.iter().map(|it| filled(it, names)).collect(),
        Value::String(text) => {
            let name = text.strip_prefix('$').and_then(|name| names.get(name));
            name.unwrap_or(value).clone()
        }
        _ => value.clone(),
    }
}

/// Returns whether `actual` contains all members of `wanted`.
fn has(actual: &Value, wanted: &Value) -> bool {
    match (actual, wanted) {
        (Value::Object(actual), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, member)| actual.get(name).is_some_and(|it| has(it, member))),
        (Value::Array(actual), Value::Array(wanted)) => {
            actual.len() == wanted.len() && actual.iter().zip(wanted).all(|(a, w)| has(a, w))
        }
        _ => actual == wanted,
    }
}

/// Both token providers, which follow the transcript.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) script: Arc<Vec<Value>>,
    pub(crate) names: Arc<Map<String, Value>>,
    pub(crate) asked: watch::Sender<Vec<Value>>,
}

impl TokenProvider for Provider {
    async fn tokens(&self, request: RefreshParams) -> Result<ExternalTokens, ProviderError> {
        let step = self.next(&request)?;
        if let Some(command) = step.get("command") {
            let says = command["says"].as_str().unwrap_or_default();
            let status = command["status"].to_string();
            let helper = ["-c", "echo \"$0\" >&2; exit \"$1\"", says, &status];
            return command_tokens("sh", helper).tokens(request).await;
        }
        self.supply(&step).await
    }
}

impl BearerTokenProvider for Provider {
    async fn token(&self, request: BearerTokenRefreshParams) -> Result<BearerToken, ProviderError> {
        self.supply(&self.next(&request)?).await
    }
}

impl Provider {
    /// Notes the request, and returns the step that answers it.
    fn next(&self, request: &impl Serialize) -> Result<Value, ProviderError> {
        let step = self.script.get(self.asked.borrow().len()).cloned();
        let step = step.ok_or("it is asked too often")?;
        let asked = serde_json::to_value(request)?;
        self.asked.send_modify(|all| all.push(asked));
        Ok(step)
    }

    async fn supply<T: DeserializeOwned>(&self, step: &Value) -> Result<T, ProviderError> {
        if let Some(text) = step["fail"].as_str() {
            return Err(text.into());
        }
        if step.get("hang").is_some() {
            std::future::pending::<()>().await;
        }
        Ok(serde_json::from_value(filled(
            &step["answer"],
            &self.names,
        ))?)
    }
}

type Call = JoinHandle<Result<Value, ByokeyError>>;

/// One run of the client's steps.
pub(crate) struct Player {
    pub(crate) client: Arc<ByokeyClient>,
    /// Keeps the client running, if it is supervised.
    pub(crate) supervisor: Option<Arc<Supervisor>>,
    pub(crate) log: watch::Receiver<Vec<String>>,
    pub(crate) restarts: watch::Receiver<usize>,
    pub(crate) events: EventStream,
    pub(crate) asked: watch::Receiver<Vec<Value>>,
    pub(crate) calls: HashMap<String, Call>,
    pub(crate) names: Map<String, Value>,
}

impl Player {
    pub(crate) async fn step(&mut self, step: &Value) -> Result<(), Differs> {
        if let Some(supervisor) = &self.supervisor {
            self.client = supervisor.ready().await.ok_or("it was not restarted")?;
        }
        let step = filled(step, &self.names);
        let kind = KINDS.into_iter().find(|kind| step.get(kind).is_some());
        let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
        match kind {
            Some("call") => {
                self.call(&text("as"), text("call"), &step).await;
                Ok(())
            }
            Some("result") => {
                let result = self.end_of(&text("result")).await?;
                let result = result.map_err(|error| format!("it failed: {error}"))?;
                for (name, path) in step["keep"].as_object().into_iter().flatten() {
                    let path = path.as_array().into_iter().flatten();
                    let kept =
                        path.fold(&result, |value, it| &value[it.as_str().unwrap_or_default()]);
                    self.names.insert(name.clone(), kept.clone());
                }
                check(&result, &step)
            }
            Some("fails") => match self.end_of(&text("fails")).await? {
                Ok(_) => Err("it succeeded".to_owned()),
                Err(error) => self.fails(&error, &step),
            },
            Some("cancel") => {
                let call = self.calls.get(&text("cancel")).ok_or("no such call")?;
                call.abort();
                Ok(())
            }
            Some("cancelled") => {
                let call = self
                    .calls
                    .remove(&text("cancelled"))
                    .ok_or("no such call")?;
                let ended = call.await;
                let cancelled = ended.is_err_and(|it| it.is_cancelled());
                cancelled
                    .then_some(())
                    .ok_or_else(|| "it was not cancelled".to_owned())
            }
            Some("event") => loop {
                let event = self.events.next().await.ok_or("the stream ended")?;
                if event.method() == text("event") {
                    break check(&event.params(), &step);
                }
            },
            Some("asked") => {
                let number = step["asked"].as_u64().unwrap_or_default();
                let number = usize::try_from(number).unwrap_or_default();
                let asked = self.asked.wait_for(|asked| asked.len() >= number).await;
                let asked = asked.map_err(|_| "the provider is gone")?;
                check(&asked[number - 1], &step)
            }
            Some("account") => {
                let wanted = &step["account"];
                let mut account = self.client.account();
                let is_it = |account: &Option<Account>| has(&json!(account), wanted);
                let met = account.wait_for(is_it).await.map(drop);
                // An account whose connection has ended keeps the last value.
                let met = met.is_ok() || is_it(&account.borrow());
                met.then_some(())
                    .ok_or_else(|| "the account differs".to_owned())
            }
            Some("logged") => {
                let text = text("logged");
                let logged = |lines: &Vec<String>| lines.iter().any(|line| line.contains(&text));
                let logged = self.log.wait_for(logged).await;
                logged.map(drop).map_err(|_| "the log ended".to_owned())
            }
            Some("restarted") => {
                let number = step["restarted"].as_u64().unwrap_or_default();
                let number = usize::try_from(number).unwrap_or_default();
                let restarts = self.restarts.wait_for(|restarts| *restarts >= number).await;
                restarts
                    .map(drop)
                    .map_err(|_| "the supervisor is gone".to_owned())
            }
            Some("kill") => {
                kill(self.client.pid());
                Ok(())
            }
            Some("closed") => {
                self.client.closed().await;
                Ok(())
            }
            Some("close") => {
                self.client.close().await;
                Ok(())
            }
            _ => Err("no such step".to_owned()),
        }
    }

    /// Starts a call. Its request is queued when this returns, before all later ones.
    async fn call(&mut self, name: &str, method: String, step: &Value) {
        let client = Arc::clone(&self.client);
        let params = step.get("params").cloned().unwrap_or_else(|| json!({}));
        let is_typed = step.get("typed").is_some();
        let mut call = Box::pin(async move {
            if is_typed {
                typed(&client, &method, params).await
            } else {
                client.request_value(&method, params).await
            }
        });
        let begun = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        let call = match begun {
            Poll::Ready(ended) => tokio::spawn(async move { ended }),
            Poll::Pending => tokio::spawn(call),
        };
        self.calls.insert(name.to_owned(), call);
    }

    async fn end_of(&mut self, name: &str) -> Result<Result<Value, ByokeyError>, Differs> {
        let call = self.calls.remove(name).ok_or("no such call")?;
        call.await.map_err(|_| "it was cancelled".to_owned())
    }

    fn fails(&self, error: &ByokeyError, step: &Value) -> Result<(), Differs> {
        let class = class(error);
        if class != step["error"] {
            return Err(format!("it is {class}"));
        }
        let says = step["says"].as_str().unwrap_or_default();
        shows(error, [says], &self.names)?;
        let request = error.request();
        let kind = request.and_then(|it| it.kind.as_deref());
        let code = request.map(|it| it.code);
        if kind != step["kind"].as_str() || code != step["code"].as_i64() {
            return Err(format!("kind {kind:?}, code {code:?}"));
        }
        Ok(())
    }
}

/// Checks that the error's text contains these texts, and no token.
pub(crate) fn shows<'a>(
    error: &ByokeyError,
    texts: impl IntoIterator<Item = &'a str>,
    names: &Map<String, Value>,
) -> Result<(), Differs> {
    let text = error.to_string();
    if let Some(missing) = texts.into_iter().find(|it| !text.contains(it)) {
        return Err(format!("`{missing}` is not in: {text}"));
    }
    let shown = format!("{text} {error:?}");
    let mut tokens = names.values().filter_map(Value::as_str);
    if tokens.any(|it| it.len() > 20 && shown.contains(it)) {
        return Err("a token is shown".to_owned());
    }
    Ok(())
}

/// The same call through the types of the protocol, converted back to JSON.
async fn typed(client: &ByokeyClient, method: &str, params: Value) -> Result<Value, ByokeyError> {
    async fn call<M>(client: &ByokeyClient, params: Value) -> Result<Value, ByokeyError>
    where
        M: Request<
                Params: Serialize + DeserializeOwned,
                Result: Serialize + DeserializeOwned + Send + 'static,
            >,
    {
        let params = serde_json::from_value(params).expect("parameters of the method");
        Ok(json!(client.request::<M>(params).await?))
    }
    match method {
        AccountRead::NAME => call::<AccountRead>(client, params).await,
        LoginStart::NAME => call::<LoginStart>(client, params).await,
        Logout::NAME => call::<Logout>(client, params).await,
        _ => panic!("the driver has no types for `{method}`"),
    }
}

fn check(actual: &Value, step: &Value) -> Result<(), Differs> {
    match step.get("is") {
        Some(wanted) if !has(actual, wanted) => Err(format!("got {actual}")),
        _ => Ok(()),
    }
}

fn kill(process: Option<u32>) {
    use rustix::process::{Pid, Signal, kill_process};

    let process = process.and_then(|id| i32::try_from(id).ok());
    let process = process.and_then(Pid::from_raw).expect("an id");
    kill_process(process, Signal::KILL).expect("it is there");
}

/// Returns the name of the class in `clients/README.md`.
pub(crate) fn class(error: &ByokeyError) -> &'static str {
    match error {
        ByokeyError::Request(_) => "RequestError",
        ByokeyError::SignInRequired(_) => "SignInRequiredError",
        ByokeyError::RefreshFailed(_) => "RefreshFailedError",
        ByokeyError::Login(_) => "LoginError",
        ByokeyError::Backend(_) => "BackendError",
        ByokeyError::InvalidRequest(_) => "InvalidRequestError",
        ByokeyError::ConnectionClosed { .. } => "ConnectionClosedError",
        ByokeyError::ServerNotFound { .. } => "ServerNotFoundError",
        ByokeyError::StartTimeout { .. } => "StartTimeoutError",
        ByokeyError::TurnFailed { .. } => "TurnFailedError",
        ByokeyError::TokenProvider { .. } => "TokenProviderError",
        _ => "ByokeyError",
    }
}
