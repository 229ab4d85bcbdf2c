//! This system has no socket of a running server.

use std::path::Path;

use super::{Found, NoToken};

pub(super) async fn token(_: Option<&Path>) -> Result<Found, NoToken> {
    Err(NoToken::NoServer)
}
