//! Our own files: only a regular file of ours under a name that is not a link is written or
//! removed.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::platform::{is_ours, is_same_file, make_file, narrow, never_follow, sync_folder};
use super::read::{FileFailure, read_bounded, regular};

/// An open regular file of ours. Its name is not a link.
#[derive(Debug)]
pub struct OwnFile {
    path: PathBuf,
    file: File,
    metadata: Metadata,
}

impl OwnFile {
    /// Opens a file of ours; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// [`FileFailure`] for a link, another kind of file, or another user's file.
    pub fn open(path: &Path) -> Result<Option<Self>, FileFailure> {
        let mut options = OpenOptions::new();
        match open_own(path, options.read(true)) {
            Ok((file, metadata)) => Ok(Some(Self {
                path: path.to_owned(),
                file,
                metadata,
            })),
            Err(FileFailure::NotFound) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Reads at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`FileFailure`]
    pub fn read(&self, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileFailure> {
        read_bounded(&self.file, &self.metadata, limit)
    }

    /// Removes the file, if its name still refers to it.
    ///
    /// # Errors
    ///
    /// [`FileFailure`]; the file still exists.
    pub fn remove(self) -> Result<(), FileFailure> {
        if !is_same_file(&fs::symlink_metadata(&self.path)?, &self.metadata) {
            return Err(FileFailure::Replaced);
        }
        fs::remove_file(&self.path)?;
        sync_folder(&self.path);
        Ok(())
    }
}

/// Opens or creates a lock file of ours.
///
/// # Errors
///
/// [`FileFailure`] for a link, another kind of file, or another user's file.
pub fn open_lock(path: &Path) -> Result<File, FileFailure> {
    open_private(path, OpenOptions::new().write(true))
}

/// Opens or creates a file of ours for appending.
///
/// # Errors
///
/// [`FileFailure`] for a link, another kind of file, or another user's file.
pub fn open_append(path: &Path) -> Result<File, FileFailure> {
    open_private(path, OpenOptions::new().append(true))
}

/// Opens or creates a private file. Wider permissions of an existing one are narrowed.
fn open_private(path: &Path, options: &mut OpenOptions) -> Result<File, FileFailure> {
    let (file, metadata) = open_or_make(path, make_file(options))?;
    narrow(&file, &metadata)?;
    Ok(file)
}

fn open_or_make(path: &Path, options: &mut OpenOptions) -> Result<(File, Metadata), FileFailure> {
    match open_own(path, options) {
        // Another process may create it at the same time.
        Err(FileFailure::NotFound) => open_unseen(path, options.create(true)),
        opened => opened,
    }
}

/// Replaces a file of ours atomically, also if the machine crashes.
///
/// # Errors
///
/// The system's; the file is unchanged then.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_file_name(new_name(path));
    let written = write_new(&new, text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // No part of a secret stays behind.
        drop(fs::remove_file(&new));
    }
    written?;
    sync_folder(path);
    Ok(())
}

/// Checks whether [`replace`] would find a writable folder.
///
/// # Errors
///
/// The system's.
pub fn check_replaceable(path: &Path) -> io::Result<()> {
    let new = path.with_file_name(new_name(path));
    write_new(&new, b"")?;
    fs::remove_file(&new)
}

/// Returns whether a [`replace`] is in progress, or was killed.
pub fn has_leftovers(path: &Path) -> bool {
    !leftovers(path).is_empty()
}

/// Removes temporary files of a killed [`replace`]. The caller must hold the lock that keeps other
/// processes from replacing the file.
pub fn sweep(path: &Path) {
    for left in leftovers(path) {
        if let Ok(Some(left)) = OwnFile::open(&left) {
            // A failed removal is tried again next time.
            drop(left.remove());
        }
    }
}

fn leftovers(path: &Path) -> Vec<PathBuf> {
    let Some((folder, name)) = path.parent().zip(path.file_name()) else {
        return Vec::new();
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter(|found| is_new_name(found, name))
        .map(|found| folder.join(found))
        .collect()
}

fn new_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().display();
    format!(".{name}.{}", uuid::Uuid::new_v4().simple())
}

/// Returns whether this is a temporary file of that name, as created by [`new_name`].
fn is_new_name(found: &OsStr, name: &OsStr) -> bool {
    let (Some(found), Some(name)) = (found.to_str(), name.to_str()) else {
        return false;
    };
    let random = found
        .strip_prefix('.')
        .and_then(|found| found.strip_prefix(name));
    random
        .and_then(|random| random.strip_prefix('.'))
        .is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    let mut file = make_file(&mut options).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

fn open_own(path: &Path, options: &mut OpenOptions) -> Result<(File, Metadata), FileFailure> {
    // Checked before opening, since opening a device may have side effects.
    own(&fs::symlink_metadata(path).map_err(FileFailure::of)?)?;
    open_unseen(path, options)
}

fn open_unseen(path: &Path, options: &mut OpenOptions) -> Result<(File, Metadata), FileFailure> {
    let file = never_follow(options).open(path).map_err(FileFailure::of)?;
    let metadata = file.metadata()?;
    own(&metadata)?;
    Ok((file, metadata))
}

fn own(metadata: &Metadata) -> Result<(), FileFailure> {
    regular(metadata)?;
    if is_ours(metadata) {
        Ok(())
    } else {
        Err(FileFailure::Foreign)
    }
}
