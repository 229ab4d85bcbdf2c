//! The backend in transcripts: its scripted responses, and the requests that it got.

use std::collections::BTreeMap;

use byokey_dev_backend::{DevBackend, Gate, RecordedRequest, Route, Script};
use serde_json::{Value, json};

use super::fill::{Names, fill};
use super::pattern::Pattern;
use super::wire::in_time;

/// The backend, and the requests that the transcript has examined.
pub(super) struct Prompter<'a> {
    backend: &'a DevBackend,
    gates: BTreeMap<Route, Gate>,
    seen: BTreeMap<Route, usize>,
}

impl<'a> Prompter<'a> {
    pub(super) const fn new(backend: &'a DevBackend) -> Self {
        Self {
            backend,
            gates: BTreeMap::new(),
            seen: BTreeMap::new(),
        }
    }

    /// Executes a line after `%`.
    pub(super) async fn act(&mut self, line: &str, names: &mut Names) -> Result<(), String> {
        let (verb, rest) = line.split_once(' ').ok_or("a verb and what it is about")?;
        match verb {
            "answers" => {
                let (route, steps) = rest.split_once(' ').ok_or("a route and its answers")?;
                let steps: Value = serde_json::from_str(&fill(steps, names)?)
                    .map_err(|error| format!("the answers are not JSON: {error}"))?;
                let script = Script::from_value(json!({"routes": {route: steps}}));
                self.backend
                    .set_script(script.map_err(|error| error.to_string())?);
            }
            "rejects" => self.backend.reject_bearer(token(rest, names)?),
            "accepts" => self.backend.accept_bearer(&token(rest, names)?),
            "holds" => {
                let route = route(rest)?;
                self.gates.insert(route, self.backend.hold(route));
            }
            "releases" => drop(self.gates.remove(&route(rest)?)),
            "saw" => self.saw(rest, names).await?,
            other => return Err(format!("the backend cannot `{other}`")),
        }
        Ok(())
    }

    /// `route pattern`: the next request to the route. `route count`: this many requests, and no
    /// more.
    async fn saw(&mut self, rest: &str, names: &mut Names) -> Result<(), String> {
        let (name, expected) = rest.split_once(' ').ok_or("a route and a request")?;
        let route = route(name)?;
        if let Ok(count) = expected.parse::<usize>() {
            in_time(self.backend.wait_for(route, count)).await?;
            let got = self.backend.count(route);
            return (got == count)
                .then_some(())
                .ok_or_else(|| format!("expected {count} requests to {name}, got {got}"));
        }
        let seen = self.seen.entry(route).or_default();
        in_time(self.backend.wait_for(route, *seen + 1)).await?;
        let requests = self.backend.requests_to(route);
        let request = requests.get(*seen).ok_or("the request is not kept")?;
        *seen += 1;
        Pattern::parse(expected)?.check(&describe(request), names)
    }
}

fn describe(request: &RecordedRequest) -> Value {
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
    json!({
        "path": request.path,
        "bearer": request.bearer(),
        "account": request.header("chatgpt-account-id"),
        "headers": headers.collect::<BTreeMap<_, _>>(),
        "body": request.json().unwrap_or_default(),
    })
}

fn token(name: &str, names: &Names) -> Result<String, String> {
    let text = fill(name, names)?;
    serde_json::from_str(&text).map_err(|_| format!("{name} is no token"))
}

fn route(name: &str) -> Result<Route, String> {
    let mut all = Route::ALL.into_iter();
    all.find(|route| route.name() == name)
        .ok_or_else(|| format!("no such route: {name}"))
}
