//! The stores that a user may choose.

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
    /// The accepted names.
    pub const NAMES: &'static str = "\"ephemeral\", \"file\", \"keyring\" or \"auto\"";

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ephemeral => "ephemeral",
            Self::File => "file",
            Self::Keyring => "keyring",
            Self::Auto => "auto",
        }
    }

    /// Returns the kind of that name.
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
