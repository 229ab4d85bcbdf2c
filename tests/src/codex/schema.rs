//! The schema of a codex, as the program writes it.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

use super::facts::Facts;

/// The directions of a message: codex's name of the type that lists its methods, and ours.
const DIRECTIONS: [(&str, &str); 4] = [
    ("ClientRequest", "clientRequest"),
    ("ClientNotification", "clientNotification"),
    ("ServerRequest", "serverRequest"),
    ("ServerNotification", "serverNotification"),
];

/// The types of a codex by name, experimental ones included.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The schemas.
    pub types: Map<String, Value>,
}

impl Schema {
    /// Runs `codex app-server generate-json-schema --experimental` and returns what it wrote: a
    /// bundle, and a few types that are only in files of their own.
    ///
    /// # Panics
    ///
    /// When the program fails, or writes something else.
    #[must_use]
    pub fn of(program: &Path) -> Self {
        let out = tempfile::tempdir().unwrap();
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.args(["app-server", "generate-json-schema", "--experimental"]);
        command.arg("--out").arg(out.path());
        let output = command.env("CODEX_HOME", home.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let bundle = read(&out.path().join("codex_app_server_protocol.v2.schemas.json"));
        let mut types = bundle["definitions"].as_object().unwrap().clone();
        for folder in [out.path().to_path_buf(), out.path().join("v1")] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                if path.is_dir() || name.contains('.') {
                    continue;
                }
                let schema = read(&path);
                for (name, schema) in schema["definitions"].as_object().into_iter().flatten() {
                    types.entry(name.clone()).or_insert(schema.clone());
                }
                types.entry(name).or_insert(schema);
            }
        }
        Self { types }
    }

    /// Returns the methods, as `clientRequest account/read`, each with the type of its parameters.
    #[must_use]
    pub fn methods(&self) -> Facts {
        let mut facts = Facts::new();
        for (list, direction) in DIRECTIONS {
            let messages = self.types.get(list).map(|list| &list["oneOf"]);
            for message in messages.and_then(Value::as_array).into_iter().flatten() {
                let members = &message["properties"];
                let Some(method) = members["method"]["enum"][0].as_str() else {
                    continue;
                };
                let params = members["params"]["$ref"].as_str().unwrap_or("nothing");
                let params = params.rsplit('/').next().unwrap_or_default();
                facts.insert(format!("{direction} {method}"), params.to_owned());
            }
        }
        facts
    }
}

/// Reads a file of JSON.
///
/// # Panics
///
/// When it cannot be read.
#[must_use]
pub fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
