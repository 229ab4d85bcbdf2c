//! Compresses the generated files that `byokey app-server generate-…` writes to a tenth of their
//! size, and links the unwinder statically into the released program.

use std::error::Error;
use std::path::{Path, PathBuf};

/// The name of a command's files in the archive, and their place in the repository.
const GROUPS: [(&str, &str, &[&str]); 3] = [
    (
        "json-schema",
        "schema/v1",
        &["byokey.schemas.json", "meta.json", "json", "draft-07"],
    ),
    ("ts", "clients/typescript/src/generated", &["."]),
    ("openrpc", "schema/v1", &["openrpc.json"]),
];

fn main() -> Result<(), Box<dyn Error>> {
    link_the_unwinder();
    // For `byokey version --json`.
    println!(
        "cargo::rustc-env=BYOKEY_TARGET={}",
        std::env::var("TARGET")?
    );
    if std::env::var_os("CARGO_FEATURE_GENERATE").is_some() {
        pack()?;
    }
    Ok(())
}

fn pack() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?)
        .join("..")
        .canonicalize()?;
    let mut files = Vec::new();
    for (group, folder, names) in GROUPS {
        let folder = root.join(folder);
        for name in names {
            for path in files_in(folder.join(name))? {
                let inside = path.strip_prefix(&folder)?.to_path_buf();
                files.push((format!("{group}/{}", inside.display()), path));
            }
        }
    }
    // Similar files must be adjacent to compress well: sorted by the type's name.
    files.sort_by_key(|(name, path)| (path.file_name().map(ToOwned::to_owned), name.clone()));
    let mut text = String::new();
    for (name, path) in files {
        let file = std::fs::read_to_string(path)?;
        text.push_str(&format!("{name}\n{}\n{file}", file.len()));
    }
    let packed = miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 10);
    let archive = Path::new(&std::env::var("OUT_DIR")?).join("generated.deflate");
    write(&archive, &packed)?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "this writes into cargo's own folder"
)]
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::write(path, bytes)
}

/// Returns the file itself, or those in the folder.
fn files_in(path: PathBuf) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let path = path
        .canonicalize()
        .map_err(|error| format!("{}: {error}", path.display()))?;
    println!("cargo::rerun-if-changed={}", path.display());
    if path.is_file() {
        return Ok(vec![path]);
    }
    let entries = std::fs::read_dir(path)?;
    let paths: Result<Vec<_>, _> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect();
    Ok(paths?)
}

/// The standard library links `libgcc_s.so`. Finding, mapping and relocating that library takes an
/// eighth of a millisecond, a tenth of the startup, for a few kilobytes of code.
fn link_the_unwinder() {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let gnu_linux = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    let sanitized = std::env::var_os("CARGO_CFG_SANITIZE").is_some();
    if gnu_linux && is("PROFILE", "release") && !sanitized {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
