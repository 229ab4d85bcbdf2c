//! A home folder for one test.

use std::path::{Path, PathBuf};

/// A home folder with codex's folder in it. It is removed on drop.
#[derive(Debug)]
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// Returns a home with this `config.toml`; without one if the text is empty.
    ///
    /// # Panics
    ///
    /// When the folder cannot be created.
    pub fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let codex_home = folder.path().join(".codex");
        std::fs::create_dir(&codex_home).expect("codex's folder");
        if !config.is_empty() {
            let file = codex_home.join("config.toml");
            #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
            std::fs::write(file, config).expect("the configuration");
        }
        Self { folder }
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns codex's folder in it.
    pub fn codex_home(&self) -> PathBuf {
        self.path().join(".codex")
    }
}
