//! The routing of a workspace: where its model calls go.

use std::time::Duration;

use hyper::StatusCode;

use super::preset::{Context, Preset};
use crate::answer::whole::Answer;
use crate::defaults::accounts::{account, routed};
use crate::request::route::Route;

/// How late the slow answer is: longer than a model call of byokey waits.
const DELAY: Duration = Duration::from_secs(5);

/// Returns a preset for the route of workspaces.
const fn routing(
    name: &'static str,
    about: &'static str,
    answer: fn(&Context<'_>) -> Answer,
) -> Preset {
    Preset {
        name,
        about,
        route: Route::AccountsCheck,
        answer,
    }
}

pub(super) const PRESETS: &[Preset] = &[
    routing(
        "routing-us",
        "model calls are routed to this backend itself, with the policy `us`",
        |context| {
            let host = context.request.header("host").unwrap_or("127.0.0.1");
            listed(context, &format!("http://{host}"))
        },
    ),
    routing(
        "routing-slow",
        "the default answer, after five seconds",
        |context| {
            let account = account(context.request);
            let (origin, policy) = ("https://chatgpt.com", "NO_CONSTRAINT");
            let body = routed(context.request, &account, origin, policy);
            Answer::json(StatusCode::OK, &body).after(DELAY)
        },
    ),
    routing(
        "routing-broken",
        "500: the routing cannot be looked up",
        |_| Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "broken"),
    ),
    routing(
        "routing-foreign",
        "an origin that is not one of the backend: `https://workspace.example`",
        |context| listed(context, "https://workspace.example"),
    ),
    routing(
        "routing-unlisted",
        "a list without the workspace of the request",
        |context| {
            let (origin, policy) = ("https://chatgpt.com", "NO_CONSTRAINT");
            let body = routed(context.request, "another-workspace", origin, policy);
            Answer::json(StatusCode::OK, &body)
        },
    ),
];

/// Returns the workspace of the request, routed to this origin under the policy `us`.
fn listed(context: &Context<'_>, origin: &str) -> Answer {
    let account = account(context.request);
    let body = routed(context.request, &account, origin, "us");
    Answer::json(StatusCode::OK, &body)
}
