//! Where the user wants credentials kept. Codex's own choice, in its file, is not ours.

use std::path::PathBuf;

use super::environment::Environment;
use super::layers::Overrides;
use super::reader::Reader;

/// A kind of store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// None: credentials end with the process.
    #[default]
    Ephemeral,
    /// A file that only the user can read.
    File,
    /// The keyring of the desktop.
    Keyring,
    /// The keyring where there is one, else the file.
    Auto,
}

impl StoreKind {
    /// The names that can be asked for.
    pub const NAMES: &'static str = "\"ephemeral\", \"file\", \"keyring\" or \"auto\"";

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.trim() {
            "ephemeral" => Some(Self::Ephemeral),
            "file" => Some(Self::File),
            "keyring" => Some(Self::Keyring),
            "auto" => Some(Self::Auto),
            _ => None,
        }
    }
}

/// `--store`, else codex's key on our own command line, else `BYOKEY_STORE`, else `store` in the
/// table `byokey` of the configuration.
pub(super) fn read_kind(
    settings: &mut Reader<'_>,
    environment: &Environment,
    overrides: &Overrides,
) -> StoreKind {
    let on_command_line = overrides.setting("cli_auth_credentials_store");
    let in_file = settings
        .table("byokey")
        .and_then(|mut table| table.string("store"));
    let asked = [
        ("--store", overrides.store.clone()),
        ("cli_auth_credentials_store", on_command_line),
        (
            "BYOKEY_STORE",
            environment.get("BYOKEY_STORE").map(str::to_owned),
        ),
        ("byokey.store", in_file),
    ];
    for (setting, name) in asked {
        let Some(name) = name else { continue };
        if let Some(kind) = StoreKind::from_name(&name) {
            return kind;
        }
        settings.warn(setting, &format!("must be {}", StoreKind::NAMES));
        break;
    }
    StoreKind::default()
}

/// The folder for what is kept: `BYOKEY_HOME`, else the platform's folder for data.
pub(super) fn byokey_home(environment: &Environment) -> PathBuf {
    if let Some(home) = environment.get("BYOKEY_HOME") {
        return PathBuf::from(home);
    }
    let home = environment.home();
    let data = if cfg!(windows) {
        environment.get("APPDATA").map_or(home, PathBuf::from)
    } else if cfg!(target_os = "macos") {
        home.join("Library/Application Support")
    } else {
        let data = environment.get("XDG_DATA_HOME").map(PathBuf::from);
        data.filter(|data| data.is_absolute())
            .unwrap_or_else(|| home.join(".local/share"))
    };
    data.join("byokey")
}
