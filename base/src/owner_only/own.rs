//! Files that are ours: what is written or removed is our own regular file under a name that is not
//! a link, and nothing else.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::platform::{is_ours, is_same_file, make_file, narrow, never_follow, sync_folder};
use super::read::{FileFailure, read_bounded, regular};

/// A regular file of ours, open. Its name is not a link.
#[derive(Debug)]
pub struct OwnFile {
    path: PathBuf,
    file: File,
    metadata: Metadata,
}

impl OwnFile {
    /// Opens a file of ours; none if there is nothing of that name.
    ///
    /// # Errors
    ///
    /// [`FileFailure`] for what is a link, not a regular file, or another user's.
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

    /// Removes the file, if its name still leads to it.
    ///
    /// # Errors
    ///
    /// [`FileFailure`]; the file is still there.
    pub fn remove(self) -> Result<(), FileFailure> {
        if !is_same_file(&fs::symlink_metadata(&self.path)?, &self.metadata) {
            return Err(FileFailure::Replaced);
        }
        fs::remove_file(&self.path)?;
        sync_folder(&self.path);
        Ok(())
    }
}

/// Opens a lock file of ours, which is made if there is none.
///
/// # Errors
///
/// [`FileFailure`] for what is a link, not a regular file, or another user's.
pub fn open_lock(path: &Path) -> Result<File, FileFailure> {
    open_private(path, OpenOptions::new().write(true))
}

/// Opens a file of ours to write at its end. It is made if there is none.
///
/// # Errors
///
/// [`FileFailure`] for what is a link, not a regular file, or another user's.
pub fn open_append(path: &Path) -> Result<File, FileFailure> {
    open_private(path, OpenOptions::new().append(true))
}

/// Opens or makes a file that no other user may touch. An older one that others may is taken away
/// from them.
fn open_private(path: &Path, options: &mut OpenOptions) -> Result<File, FileFailure> {
    let (file, metadata) = open_or_make(path, make_file(options))?;
    narrow(&file, &metadata)?;
    Ok(file)
}

fn open_or_make(path: &Path, options: &mut OpenOptions) -> Result<(File, Metadata), FileFailure> {
    match open_own(path, options) {
        // Another process may make it at the same time.
        Err(FileFailure::NotFound) => open_unseen(path, options.create(true)),
        opened => opened,
    }
}

/// Puts a new file of ours in place of what has that name. It has either its old or its new content
/// at any time, also after a crash.
///
/// # Errors
///
/// The system's; nothing has changed then.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_file_name(new_name(path));
    let written = write_new(&new, text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // Nothing of a secret stays behind.
        drop(fs::remove_file(&new));
    }
    written?;
    sync_folder(path);
    Ok(())
}

/// Whether [`replace`] would find a folder that takes files.
///
/// # Errors
///
/// The system's.
pub fn check_replaceable(path: &Path) -> io::Result<()> {
    let new = path.with_file_name(new_name(path));
    write_new(&new, b"")?;
    fs::remove_file(&new)
}

/// Whether [`replace`] is under way somewhere, or was killed.
pub fn has_leftovers(path: &Path) -> bool {
    !leftovers(path).is_empty()
}

/// Removes temporary files of a [`replace`] that was killed. The caller has to hold a lock that keeps
/// other processes from replacing the file meanwhile.
pub fn sweep(path: &Path) {
    for left in leftovers(path) {
        if let Ok(Some(left)) = OwnFile::open(&left) {
            // What cannot be removed is tried again next time.
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

/// Whether a file is named as [`new_name`] names new files for this one.
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
    // Before it is opened, since opening a device may do something.
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
