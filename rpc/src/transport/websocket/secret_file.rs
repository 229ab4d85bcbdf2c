//! Files with a secret of this listener: reads them or creates one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use byokey_base::owner_only::{self, Access, FileFailure};
use byokey_base::private_folder::{self, NotPrivate};

/// Random bytes of a generated token: 256 bits.
const RANDOM_BYTES: usize = 32;
/// Fewest bytes of a secret from a file.
const SHORTEST: usize = 32;
/// Most bytes read.
const LONGEST: u64 = 64 * 1024;

/// Why a secret file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It cannot be read.
    #[error("failed to read websocket auth secret {}: {}", .0.display(), .1)]
    Unreadable(PathBuf, FileFailure),
    /// Other users may change it.
    #[error(
        "websocket auth secret {path} can be changed by other users; run `chmod 600 {path}` as its owner, \
         who must be you", path = .0.display()
    )]
    NotPrivate(PathBuf),
    /// The secret is too short.
    #[error(
        "{} {} must be at least {SHORTEST} bytes; `openssl rand -base64 32` makes one",
        .0, .1.display()
    )]
    TooShort(&'static str, PathBuf),
    /// The folder for the new file is not private.
    #[error(transparent)]
    Folder(#[from] NotPrivate),
    /// It cannot be created.
    #[error(
        "cannot write the token of this listener to {}: {}; name a file of your own with \
         --ws-auth capability-token --ws-token-file", .0.display(), .1
    )]
    Unwritable(PathBuf, io::Error),
}

/// Reads a secret and trims white space. `name` is codex's word for it.
pub(super) fn read(name: &'static str, path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let found = owner_only::read_named(path, LONGEST);
    let found = found.map_err(|failure| SecretFileError::Unreadable(path.to_owned(), failure))?;
    match found.access {
        Access::None => {}
        // Mounted secrets have this mode.
        Access::Read => tracing::warn!(
            "other users of this machine may be able to read {}; run `chmod 600` on it",
            path.display()
        ),
        // Write access to the token gives access to the listener.
        Access::Write => return Err(SecretFileError::NotPrivate(path.to_owned())),
    }
    let secret = found.text.trim_ascii();
    if secret.len() < SHORTEST {
        return Err(SecretFileError::TooShort(name, path.to_owned()));
    }
    Ok(Zeroizing::new(secret.to_vec()))
}

/// A file with a generated token. It is removed on drop.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// Generates a token and writes it to a new file.
    ///
    /// # Errors
    ///
    /// When the folder is accessible to other users, or cannot be written.
    pub fn create(path: PathBuf) -> Result<(Self, Zeroizing<String>), SecretFileError> {
        private_folder::ensure(path.parent().unwrap_or(&path))?;
        let written = write_new(&path);
        let token = written.map_err(|error| SecretFileError::Unwritable(path.clone(), error))?;
        Ok((Self { path }, token))
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Returns a new token, of 256 random bits.
///
/// # Errors
///
/// When the system has no random bytes.
pub fn random_token() -> io::Result<Zeroizing<String>> {
    let mut random = Zeroizing::new([0; RANDOM_BYTES]);
    getrandom::fill(&mut *random).map_err(io::Error::other)?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(*random)))
}

fn write_new(path: &Path) -> io::Result<Zeroizing<String>> {
    let token = random_token()?;
    // We hold the port, so the server that left a file of this name has ended.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = owner_only::make_file(&mut options).open(path)?;
    writeln!(file, "{}", token.as_str())?;
    Ok(token)
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        // A missing file needs no removal.
        drop(fs::remove_file(&self.path));
    }
}
