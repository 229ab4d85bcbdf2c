//! Why a document is not a valid script.

use super::step::StepError;
use crate::request::route::Route;

/// Why a document is not a valid script.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// It is not JSON, or a member outside the steps is unknown or of the wrong type.
    #[error("bad script: {0}")]
    Shape(serde_json::Error),
    /// `routes` has a member that is not a route.
    #[error(
        "bad script: routes.{name}: no such route, expected one of {}",
        Route::ALL.map(Route::name).join(", ")
    )]
    UnknownRoute {
        /// The member.
        name: String,
    },
    /// An argument is not a preset or a setting.
    #[error("{argument}: {problem}")]
    Argument {
        /// The argument.
        argument: String,
        /// The problem.
        problem: String,
    },
    /// A step is invalid.
    #[error("bad script: routes.{route}[{index}]: {error}")]
    Step {
        /// The route of the step.
        route: Route,
        /// Its index in the list.
        index: usize,
        /// The problem.
        error: StepError,
    },
}
