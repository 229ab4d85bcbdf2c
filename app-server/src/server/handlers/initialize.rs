//! `initialize`.

use std::time::Duration;

use byokey_protocol::PROTOCOL_VERSION;
use byokey_protocol::error::{ErrorKind, TOO_LARGE};
use byokey_protocol::initialize::{
    ClientCapabilities, InitializeParams, InitializeResult, ServerInfo,
};
use byokey_protocol::methods::{
    ConfigWarningNotification, Direction, METHODS, WarningNotification,
};
use http::HeaderValue;

use crate::peers::{Client, DEFAULT_REFRESH_TIMEOUT};
use crate::server::error::RequestError;
use crate::server::reply::{Context, Outcome, Reply};
use crate::server::services::Services;

/// Longest name and version of a client, in bytes. They are sent with every request to the backend.
const MAX_CLIENT: usize = 256;
/// Bounds of a client's refresh timeout, in milliseconds.
const REFRESH_TIMEOUT_RANGE: std::ops::RangeInclusive<u64> = 1_000..=600_000;

pub(crate) fn initialize(context: &Context, params: InitializeParams) -> Outcome<InitializeResult> {
    let name = &params.client_info.name;
    if HeaderValue::from_str(name).is_err() {
        return Err(RequestError::refused(
            ErrorKind::InvalidClientName,
            "Invalid clientInfo.name. Must be a valid HTTP header value.",
        ));
    }
    for (member, text) in [
        ("clientInfo.name", name),
        ("clientInfo.version", &params.client_info.version),
    ] {
        if text.len() > MAX_CLIENT {
            return Err(RequestError::invalid_params(member, TOO_LARGE));
        }
    }
    let client = client(params.capabilities.unwrap_or_default())?;
    let services = &context.services;
    let codex_home = services.config().codex_home.clone();
    let result = InitializeResult {
        user_agent: services.backend.identity.introduce(&params.client_info),
        codex_home: codex_home.map(|folder| folder.display().to_string()),
        platform_family: Some(std::env::consts::FAMILY.to_owned()),
        platform_os: Some(std::env::consts::OS.to_owned()),
        server_info: Some(ServerInfo {
            name: "byokey".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol_version: PROTOCOL_VERSION.to_owned(),
        }),
        hardening: Some(services.hardening),
        plaintext_origins: plaintext_origins(services),
    };
    let parent = params.process_id;
    Ok(Reply::then(result, move |context| {
        if let Some(pid) = parent {
            end_with(context, pid);
        }
        context.peer.introduce(client);
        for warning in &context.services.config().warnings {
            context.peer.notify::<ConfigWarningNotification>(warning);
        }
        for warning in context.services.store_warnings() {
            context.peer.notify::<WarningNotification>(&warning);
        }
    }))
}

/// Ends with the process that a client names: alone, the program; on a listener, no more than the
/// client's own connection.
fn end_with(context: &Context, pid: u32) {
    let parent = &context.services.parent;
    if !context.is_shared {
        return parent.watch(pid);
    }
    if let Some(end) = parent.end_of(pid) {
        context.peer.end_after(end);
    }
}

fn plaintext_origins(services: &Services) -> Option<Vec<String>> {
    let config = services.config();
    let origins = config.plaintext_origins.iter();
    let origins: Vec<_> = origins.map(url::Origin::ascii_serialization).collect();
    (!origins.is_empty()).then_some(origins)
}

fn client(capabilities: ClientCapabilities) -> Result<Client, RequestError> {
    let refresh_timeout = match capabilities.auth_refresh_timeout_ms {
        None => DEFAULT_REFRESH_TIMEOUT,
        Some(millis) if REFRESH_TIMEOUT_RANGE.contains(&millis) => Duration::from_millis(millis),
        Some(_) => {
            return Err(RequestError::invalid_params(
                "capabilities.authRefreshTimeoutMs",
                "must be from 1000 to 600000",
            ));
        }
    };
    Ok(Client {
        opted_out: known(
            &capabilities
                .opt_out_notification_methods
                .unwrap_or_default(),
        ),
        refresh_timeout,
        proactive_refresh: capabilities.proactive_refresh,
    })
}

/// Returns those of the names that are notifications of this server. The others are the client's,
/// and are not kept.
fn known(names: &[String]) -> Vec<&'static str> {
    METHODS
        .iter()
        .filter(|method| method.direction == Direction::ServerNotification)
        .map(|method| method.name)
        .filter(|known| names.iter().any(|name| name == known))
        .collect()
}
