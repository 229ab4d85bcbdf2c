//! `meta.json`: the method table in machine-readable form.

use byokey_protocol::error_class::ErrorClass;
use byokey_protocol::methods::{Direction, METHODS, MethodInfo, Stability};
use byokey_protocol::secret::SENSITIVE_MEMBERS;
use byokey_protocol::{CODEX_LEVEL, PROTOCOL_VERSION};
use serde_json::{Map, Value, json};

use crate::json_schema::text;
use crate::model::Model;
use crate::{Result, error_kinds};

/// Returns the file.
///
/// # Errors
///
/// It cannot be serialised.
pub fn file(model: &Model) -> Result<String> {
    let methods: Vec<_> = METHODS.iter().map(method).collect();
    let kinds: Map<_, _> = error_kinds::kinds(model)?
        .into_iter()
        .map(|(value, kind)| {
            let class = kind.class().map(ErrorClass::name);
            (value, json!({ "class": class, "advice": kind.advice() }))
        })
        .collect();
    text(&json!({
        "protocolVersion": PROTOCOL_VERSION,
        "codexLevel": CODEX_LEVEL,
        "sensitiveMembers": SENSITIVE_MEMBERS,
        "errorKinds": kinds,
        "methods": methods,
    }))
}

fn method(method: &MethodInfo) -> Value {
    let mut meta = json!({
        "name": method.name,
        "direction": direction(method.direction),
        "params": method.params,
        "since": method.since,
        "stability": stability(method.stability),
        "description": method.doc.trim(),
    });
    if let Some(result) = method.result {
        meta["result"] = result.into();
    }
    meta
}

/// Returns the name of a direction.
#[must_use]
pub const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::ClientRequest => "clientRequest",
        Direction::ClientNotification => "clientNotification",
        Direction::ServerRequest => "serverRequest",
        Direction::ServerNotification => "serverNotification",
    }
}

/// Returns the name of a stability.
#[must_use]
pub const fn stability(stability: Stability) -> &'static str {
    match stability {
        Stability::Stable => "stable",
        Stability::Deprecated => "deprecated",
    }
}
