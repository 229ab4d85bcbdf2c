//! The methods, with their types.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use byokey_protocol::PROTOCOL_VERSION;
use byokey_protocol::methods::{Direction, METHODS, Stability};

use super::classes::{params_class, reader};
use super::{free_reader, header};
use crate::Result;
use crate::model::{Model, Of};
use crate::names::screaming;

pub(super) fn module(model: &Model) -> Result<String> {
    let mut text = header("The methods of the protocol, and what each carries.");
    text.push_str(
        "from __future__ import annotations\n\n\
         from collections.abc import Callable\n\
         from dataclasses import dataclass\n\
         from typing import Any, Final, Generic, TypeVar\n\n\
         from .types import (\n",
    );
    let mut names: BTreeSet<_> = METHODS.iter().map(params_class).collect();
    names.extend(
        METHODS
            .iter()
            .filter_map(|method| method.result.map(str::to_owned)),
    );
    for name in names {
        let _ = writeln!(text, "    {name},");
        if let Some(reader) = model.find(&name).and_then(free_reader) {
            let _ = writeln!(text, "    {reader},");
        }
    }
    text.push_str(")\n\nPROTOCOL_VERSION: Final = ");
    let _ = writeln!(
        text,
        "\"{PROTOCOL_VERSION}\"\n\"\"\"Version of the protocol.\"\"\"\n"
    );
    text.push_str(include_str!("methods.py"));

    let reader = |name: &str| reader(model, &Of::Named(name.to_owned()));
    for method in METHODS {
        let name = screaming(method.name);
        let params = params_class(method);
        let params_reader = if params == method.params {
            reader(&params)?
        } else {
            format!("{params}.from_wire")
        };
        let _ = match method.result {
            Some(result) => writeln!(
                text,
                "\n{name}: Final[Request[{params}, {result}]] = Request(\n    \"{}\",\n    {},\n    {},\n)",
                method.name,
                params_reader,
                reader(result)?
            ),
            None => writeln!(
                text,
                "\n{name}: Final[Notification[{params}]] = Notification(\n    \"{}\",\n    {},\n)",
                method.name, params_reader
            ),
        };
        let mark = match method.stability {
            Stability::Stable => "",
            Stability::Deprecated => " Deprecated: kept for older clients.",
        };
        let _ = writeln!(text, "\"\"\"{}{mark}\"\"\"", method.doc.trim());
    }
    for (direction, name, kind, about) in [
        (
            Direction::ClientRequest,
            "CLIENT_REQUESTS",
            "Request[Any, Any]",
            "Requests of the client.",
        ),
        (
            Direction::ClientNotification,
            "CLIENT_NOTIFICATIONS",
            "Notification[Any]",
            "Notifications of the client.",
        ),
        (
            Direction::ServerRequest,
            "SERVER_REQUESTS",
            "Request[Any, Any]",
            "Requests of the server.",
        ),
        (
            Direction::ServerNotification,
            "SERVER_NOTIFICATIONS",
            "Notification[Any]",
            "Notifications of the server.",
        ),
    ] {
        let _ = writeln!(text, "\n{name}: Final[tuple[{kind}, ...]] = (");
        for method in METHODS
            .iter()
            .filter(|method| method.direction == direction)
        {
            let _ = writeln!(text, "    {},", screaming(method.name));
        }
        let _ = writeln!(text, ")\n\"\"\"{about}\"\"\"");
    }
    Ok(text)
}
