//! Schemas of whole messages: one union for each direction, responses, and the root of the
//! bundle, from which generators reach every type.

use byokey_protocol::methods::{Direction, METHODS, MethodInfo};
use serde_json::{Map, Value, json};

use crate::names::pascal;

/// The unions of messages: title, direction, description.
const UNIONS: [(&str, Direction, &str); 4] = [
    (
        "ClientRequest",
        Direction::ClientRequest,
        "A request of the client, tagged by `method`.",
    ),
    (
        "ClientNotification",
        Direction::ClientNotification,
        "A notification of the client, tagged by `method`.",
    ),
    (
        "ServerRequest",
        Direction::ServerRequest,
        "A request of the server, tagged by `method`. Answer an unknown one with the error \
         -32601.",
    ),
    (
        "ServerNotification",
        Direction::ServerNotification,
        "A notification of the server, tagged by `method`. Ignore an unknown one.",
    ),
];

/// Returns the schemas of messages, by name.
#[must_use]
pub fn envelopes() -> Map<String, Value> {
    let mut all = Map::new();
    for (name, direction, description) in UNIONS {
        all.insert(name.to_owned(), union(name, direction, description));
    }
    all.insert("JsonRpcResponse".to_owned(), response());
    all.insert("JsonRpcError".to_owned(), error());
    all.insert("JsonRpcErrorResponse".to_owned(), error_response());
    let messages = UNIONS.map(|(name, _, _)| name);
    let messages = messages
        .into_iter()
        .chain(["JsonRpcResponse", "JsonRpcErrorResponse"]);
    let messages: Vec<_> = messages.map(reference).collect();
    all.insert(
        "JsonRpcMessage".to_owned(),
        json!({
            "anyOf": messages,
            "description": "One message, in either direction: one line, or one `Content-Length` \
                            frame.",
        }),
    );
    let results = [
        ("ClientRequestResults", Direction::ClientRequest),
        ("ServerRequestResults", Direction::ServerRequest),
    ];
    for (name, direction) in results {
        all.insert(name.to_owned(), results_of(direction));
    }
    all
}

/// Returns the root of the bundle. No document has this shape: generators start at the root, and
/// reach messages and results through it.
#[must_use]
pub fn root() -> Map<String, Value> {
    let root = json!({
        "type": "object",
        "description": "The entry point for code generators; never sent.",
        "properties": {
            "message": reference("JsonRpcMessage"),
            "clientRequestResults": reference("ClientRequestResults"),
            "serverRequestResults": reference("ServerRequestResults"),
        },
    });
    match root {
        Value::Object(parts) => parts,
        _ => Map::new(),
    }
}

fn of(direction: Direction) -> impl Iterator<Item = &'static MethodInfo> {
    METHODS
        .iter()
        .filter(move |method| method.direction == direction)
}

fn union(name: &str, direction: Direction, description: &str) -> Value {
    let is_request = matches!(
        direction,
        Direction::ClientRequest | Direction::ServerRequest
    );
    let mut branches: Vec<_> = of(direction)
        .map(|method| message(name, method, is_request))
        .collect();
    let is_written = matches!(
        direction,
        Direction::ServerRequest | Direction::ServerNotification
    );
    if is_written {
        branches.push(unknown(name, is_request));
    }
    let combinator = if is_written { "anyOf" } else { "oneOf" };
    json!({combinator: branches, "description": description})
}

fn message(union: &str, method: &MethodInfo, is_request: bool) -> Value {
    let mut message = json!({
        "title": format!("{}{union}", pascal(method.name)),
        "type": "object",
        "description": method.doc.trim(),
        "properties": {
            "jsonrpc": header(),
            "method": {"type": "string", "const": method.name},
            "params": reference(method.params),
        },
        "required": ["method"],
    });
    if is_request {
        message["properties"]["id"] = reference("RequestId");
        message["required"] = json!(["id", "method"]);
    }
    message
}

/// Returns the schema of an unknown message of the server.
fn unknown(union: &str, is_request: bool) -> Value {
    let mut message = json!({
        "title": format!("Unknown{union}"),
        "type": "object",
        "description": "A message that a newer server knows.",
        "properties": {"jsonrpc": header(), "method": {"type": "string"}, "params": {}},
        "required": ["method"],
        "x-open": true,
    });
    if is_request {
        message["properties"]["id"] = reference("RequestId");
        message["required"] = json!(["id", "method"]);
    }
    message
}

fn response() -> Value {
    json!({
        "type": "object",
        "description": "The answer to a request. Its `result` has the type that \
                        `ClientRequestResults` or `ServerRequestResults` names for the method.",
        "properties": {
            "jsonrpc": header(),
            "id": reference("RequestId"),
            "result": {},
        },
        "required": ["id", "result"],
    })
}

fn error() -> Value {
    json!({
        "type": "object",
        "description": "Why a request failed.",
        "properties": {
            "code": {"type": "integer", "format": "int32", "description": "The JSON-RPC code."},
            "message": {"type": "string", "description": "For people."},
            "data": {
                "oneOf": [reference("ErrorData"), {"type": "null"}],
                "description": "For programs: match on `data.kind`, never on the message.",
            },
        },
        "required": ["code", "message"],
    })
}

fn error_response() -> Value {
    json!({
        "type": "object",
        "description": "The answer to a request that failed. The id is null where the request \
                        could not be read.",
        "properties": {
            "jsonrpc": header(),
            "id": {"oneOf": [reference("RequestId"), {"type": "null"}]},
            "error": reference("JsonRpcError"),
        },
        "required": ["id", "error"],
    })
}

fn results_of(direction: Direction) -> Value {
    let results = of(direction).filter_map(|method| Some((method.name, method.result?)));
    let results: Map<_, _> = results
        .map(|(method, result)| (method.to_owned(), reference(result)))
        .collect();
    json!({
        "type": "object",
        "description": "The type of the result of each request, by its method; never sent as a \
                        whole.",
        "properties": results,
    })
}

fn header() -> Value {
    json!({
        "type": "string",
        "description": "`2.0`. The server writes it to peers that have sent it.",
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}
