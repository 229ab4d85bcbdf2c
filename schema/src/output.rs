//! All generated files together: calls the emitters, which know nothing of this module.

use crate::files::{Files, root};
use crate::json_schema::{envelopes, open};
use crate::model::Model;
use crate::wire::Wire;
use crate::{
    Result, collect, error_kinds, examples, json_schema, kotlin, meta, oldest, open_rpc, python,
    reference, typescript,
};

/// The state of the wire that later ones are compared with.
pub const BASELINE: &str = "schema/v1/baseline.json";

/// The minimal messages of the version's oldest server.
pub const OLDEST: &str = "clients/suite/oldest_server.json";

/// Folders of generated files only.
pub const FOLDERS: [&str; 5] = [
    "schema/v1/json",
    "schema/v1/draft-07",
    "clients/typescript/src/generated",
    "clients/python/src/byokey/_generated",
    "clients/kotlin/src/generated/kotlin/byokey/protocol",
];

/// Returns every generated file.
///
/// # Errors
///
/// A type of the protocol has an unsupported shape.
pub fn files() -> Result<Files> {
    let definitions = collect::definitions()?;
    let model = Model::new(&definitions)?;
    let examples = examples::read()?;
    let mut files = Files::new();
    let mut published = open::published(&definitions, &collect::written());
    let open_rpc = open_rpc::file(&published, &examples)?;
    files.insert("schema/v1/openrpc.json".to_owned(), open_rpc);
    files.insert("schema/v1/meta.json".to_owned(), meta::file(&model)?);
    files.insert(OLDEST.to_owned(), oldest::file(&baseline()?)?);
    files.insert(
        "docs/protocol.md".to_owned(),
        reference::file(&model, &examples),
    );
    published.extend(envelopes::envelopes());
    files.extend(json_schema::files(&published)?);
    files.extend(typescript::files(&model)?);
    files.extend(python::files(&model)?);
    files.extend(kotlin::files(&model)?);
    files.extend(error_kinds::files(&model)?);
    Ok(files)
}

/// Returns the wire at the beginning of the version.
///
/// # Errors
///
/// It is missing or invalid.
pub fn baseline() -> Result<Wire> {
    let text = std::fs::read_to_string(root().join(BASELINE));
    let text = text.map_err(|error| format!("cannot read {BASELINE}: {error}"))?;
    let wire = serde_json::from_str(&text);
    Wire::read(&wire.map_err(|error| format!("{BASELINE} is not JSON: {error}"))?)
}

/// Writes every generated file, and removes obsolete ones.
///
/// # Errors
///
/// As [`files`], or a file cannot be written.
pub fn write() -> Result<()> {
    let files = files()?;
    let failed = |error| format!("cannot remove what was generated before: {error}");
    for folder in FOLDERS.map(|folder| root().join(folder)) {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(failed)?;
        }
    }
    for (path, text) in files {
        write_file(&path, &text)?;
    }
    Ok(())
}

/// Writes one file, by path from the root of the repository.
///
/// # Errors
///
/// It cannot be written.
#[expect(
    clippy::disallowed_methods,
    reason = "writing files is what this is for"
)]
pub fn write_file(path: &str, text: &str) -> Result<()> {
    let path = root().join(path);
    let failed = |error| format!("cannot write {}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(&path, text).map_err(failed)
}
