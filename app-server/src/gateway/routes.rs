//! The one table of routes. Whatever is not in it is a 404.

use http::Method;

use crate::backend::Service;

/// One row of the table.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: Method,
    /// The exact path. Nothing in a request is decoded or normalised before it is compared.
    pub(super) path: &'static str,
    pub(super) action: Action,
}

/// What a route does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// Answers with the owner of the credential in force, in place of the issuer.
    Whoami,
    /// Reads something of the ChatGPT account.
    Account(&'static str),
    /// Reads the list of models.
    Models(Dialect),
    /// Makes a model request.
    Responses(Dialect),
    /// Is refused by name.
    Refused(&'static str),
}

/// What the clients of a route speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// What codex sends to the ChatGPT backend. It is passed on as it is.
    Codex,
    /// What SDKs send to the API. It is made fit for the backend that answers.
    Api,
}

/// Why other APIs are not translated.
const CHAT: &str = "chat completions are not translated; use the Responses API, POST /v1/responses";
const OTHER_API: &str = "this API is not offered; use the Responses API, POST /v1/responses";

/// All routes.
pub(super) static ROUTES: [Route; 13] = [
    get(
        "/api/accounts/v1/user-auth-credential/whoami",
        Action::Whoami,
    ),
    get("/backend-api/codex/models", Action::Models(Dialect::Codex)),
    post(
        "/backend-api/codex/responses",
        Action::Responses(Dialect::Codex),
    ),
    get(
        "/backend-api/wham/accounts/check",
        Action::Account("/accounts/check"),
    ),
    get("/backend-api/wham/usage", Action::Account("/usage")),
    get(
        "/backend-api/wham/rate-limit-reset-credits",
        Action::Account("/rate-limit-reset-credits"),
    ),
    get(
        "/backend-api/wham/settings/user",
        Action::Account("/settings/user"),
    ),
    get("/v1/models", Action::Models(Dialect::Api)),
    post("/v1/responses", Action::Responses(Dialect::Api)),
    post("/v1/chat/completions", Action::Refused(CHAT)),
    post("/v1/completions", Action::Refused(OTHER_API)),
    post("/v1/embeddings", Action::Refused(OTHER_API)),
    post("/v1/messages", Action::Refused(OTHER_API)),
];

const fn get(path: &'static str, action: Action) -> Route {
    let method = Method::GET;
    Route {
        method,
        path,
        action,
    }
}

const fn post(path: &'static str, action: Action) -> Route {
    let method = Method::POST;
    Route {
        method,
        path,
        action,
    }
}

/// Returns the number and the row of a route.
pub(super) fn find(method: &Method, path: &str) -> Option<(usize, &'static Route)> {
    let is_it = |(_, route): &(usize, &Route)| route.method == method && route.path == path;
    ROUTES.iter().enumerate().find(is_it)
}

/// Returns whether model requests are made at this path, over a WebSocket too where there is one.
pub(super) fn is_for_responses(path: &str) -> bool {
    let mut routes = ROUTES.iter().filter(|route| route.path == path);
    routes.any(|route| matches!(route.action, Action::Responses(_)))
}

impl Action {
    /// Returns the service that answers, and the path there.
    pub(super) const fn upstream(self) -> Option<(Service, &'static str)> {
        match self {
            Self::Account(path) => Some((Service::Account, path)),
            Self::Models(_) => Some((Service::Models, "/models")),
            Self::Responses(_) => Some((Service::Models, "/responses")),
            Self::Whoami | Self::Refused(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_compared_as_it_is() {
        assert!(find(&Method::POST, "/v1/responses").is_some());
        for (method, path) in [
            (Method::GET, "/v1/responses"),
            (Method::POST, "/v1/responses/"),
            (Method::POST, "//v1/responses"),
            (Method::POST, "/v1//responses"),
            (Method::POST, "/v1/%72esponses"),
            (Method::POST, "/v1/x/../responses"),
            (Method::POST, "/V1/responses"),
            (Method::OPTIONS, "/v1/responses"),
            (Method::POST, "/oauth/token"),
        ] {
            assert!(find(&method, path).is_none(), "{method} {path}");
        }
    }
}
