//! Folders that no other user can read: for sockets and the secrets that protect them.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};

use crate::owner_only;

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotPrivate {
    /// Other users may read it.
    #[error(
        "{path} is open to others; run `chmod 700 {path}` as its owner, who must be you, or \
         choose another folder", path = .0.display()
    )]
    Open(PathBuf),
    /// Another user controls where it is.
    #[error(
        "the folder {} is reached through the link {}, which another user made or may replace; \
         choose another folder", .0.display(), .1.display()
    )]
    ForeignLink(PathBuf, PathBuf),
    /// It cannot be created or examined.
    #[error("cannot use the folder {}: {}", .0.display(), .1)]
    Unusable(PathBuf, io::Error),
}

/// Creates a private folder, or checks that an existing one is private.
///
/// # Errors
///
/// [`NotPrivate`] when other users may read it, or it cannot be created or examined.
pub fn ensure(folder: &Path) -> Result<(), NotPrivate> {
    let unusable = |error| NotPrivate::Unusable(folder.to_owned(), error);
    check_links(folder)?;
    owner_only::make_folder(DirBuilder::new().recursive(true))
        .create(folder)
        .map_err(unusable)?;
    check(folder)
}

/// Checks that a folder is private, and creates nothing. Returns whether it exists.
///
/// # Errors
///
/// [`NotPrivate`] when other users may read it, or it cannot be examined.
pub fn examine(folder: &Path) -> Result<bool, NotPrivate> {
    check_links(folder)?;
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        _ => check(folder).map(|()| true),
    }
}

fn check_links(folder: &Path) -> Result<(), NotPrivate> {
    let link = owner_only::foreign_link(folder)
        .map_err(|error| NotPrivate::Unusable(folder.to_owned(), error))?;
    link.map_or(Ok(()), |link| {
        Err(NotPrivate::ForeignLink(folder.to_owned(), link))
    })
}

fn check(folder: &Path) -> Result<(), NotPrivate> {
    let metadata =
        fs::metadata(folder).map_err(|error| NotPrivate::Unusable(folder.to_owned(), error))?;
    if owner_only::is_open_to_others(&metadata) {
        return Err(NotPrivate::Open(folder.to_owned()));
    }
    Ok(())
}
