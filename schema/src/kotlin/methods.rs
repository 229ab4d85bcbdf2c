//! The methods, with their types.

use std::fmt::Write as _;

use byokey_protocol::PROTOCOL_VERSION;
use byokey_protocol::methods::{Direction, METHODS, Stability};

use crate::Result;
use crate::model::Model;
use crate::names::camel;
use crate::prose::block_comment;

pub(super) fn file(model: &Model) -> Result<String> {
    let mut text = include_str!("Methods.kt").to_owned();
    let _ = writeln!(
        text,
        "\n/** Version of the protocol. */\npublic const val PROTOCOL_VERSION: String = \"{PROTOCOL_VERSION}\""
    );
    for (direction, name, kind, about) in [
        (
            Direction::ClientRequest,
            "ClientRequests",
            "RequestMethod<*, *>",
            "Requests of the client.",
        ),
        (
            Direction::ClientNotification,
            "ClientNotifications",
            "NotificationMethod<*>",
            "Notifications of the client.",
        ),
        (
            Direction::ServerRequest,
            "ServerRequests",
            "RequestMethod<*, *>",
            "Requests of the server.",
        ),
        (
            Direction::ServerNotification,
            "ServerNotifications",
            "NotificationMethod<*>",
            "Notifications of the server.",
        ),
    ] {
        let _ = writeln!(text, "\n/** {about} */\npublic object {name} {{");
        let methods: Vec<_> = METHODS
            .iter()
            .filter(|method| method.direction == direction)
            .collect();
        for method in &methods {
            let mark = match method.stability {
                Stability::Stable => "",
                Stability::Deprecated => " Kept for older clients.",
            };
            text.push_str(&block_comment(
                "    ",
                &format!("{}{mark}", method.doc.trim()),
            ));
            let names = [Some(method.params), method.result];
            let names: Vec<_> = names.into_iter().flatten().collect();
            if let Some(unknown) = names.iter().find(|name| model.find(name).is_none()) {
                return Err(format!("there is no type `{unknown}`"));
            }
            let class = if names.len() == 2 {
                "RequestMethod"
            } else {
                "NotificationMethod"
            };
            let readers = names
                .iter()
                .map(|name| format!(", {name}.Companion::fromJson"));
            let _ = writeln!(
                text,
                "    public val {}: {class}<{}> =\n        {class}(\"{}\"{})\n",
                camel(method.name),
                names.join(", "),
                method.name,
                readers.collect::<String>()
            );
        }
        let names: Vec<_> = methods.iter().map(|method| camel(method.name)).collect();
        let _ = writeln!(
            text,
            "    /** All of them. */\n    public val all: List<{kind}> = listOf(\n        {},\n    )\n}}",
            names.join(",\n        ")
        );
    }
    Ok(text)
}
