//! The protocol file that declares a type, and the position in it. Generated files are split and
//! ordered in the same way, so that both sides are easy to compare.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Result;

/// The place of a type's declaration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Name of the Rust file, without its extension.
    pub family: String,
    /// Line of the declaration.
    pub line: usize,
}

/// Returns the place of every public type of the protocol, parsed from its sources.
///
/// # Errors
///
/// The sources cannot be read.
pub fn places() -> Result<BTreeMap<String, Place>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/src");
    let unreadable = |error| format!("the sources of the protocol cannot be read: {error}");
    let mut places = BTreeMap::new();
    for file in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = file.map_err(unreadable)?.path();
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        let family = path.file_stem().unwrap_or_default().to_string_lossy();
        for (line, code) in text.lines().enumerate() {
            let declared = ["pub struct ", "pub enum "].map(|word| code.strip_prefix(word));
            let Some(rest) = declared.into_iter().flatten().next() else {
                continue;
            };
            let is_name = |character: &char| character.is_ascii_alphanumeric();
            let name: String = rest.chars().take_while(is_name).collect();
            let family = family.clone().into_owned();
            places.insert(name, Place { family, line });
        }
    }
    Ok(places)
}
