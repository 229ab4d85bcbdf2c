//! A file that only the user can read: `auth.json`, written atomically.
//!
//! For reading it may be a link to a file of root; see [`owner_only`]. Only our own regular file
//! with a login is written or removed.

use std::fs::{DirBuilder, TryLockError};
use std::future::ready;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use byokey_base::owner_only::{self, Access, FileFailure, OwnFile};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::auth_file::{self, Content};
use crate::{Saving, Stamp, Store, StoreAnswer, StoreFailure, StoreLock, Stored};

/// Longest file, in bytes.
const MAX_SIZE: u64 = 1024 * 1024;
/// How long another process may hold the lock: longer than a refresh may take.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);

/// Stores a credential in a file.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: PathBuf,
    file: PathBuf,
}

impl FileStore {
    /// Returns a store in that folder, which is created on the first save.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            file: folder.join("auth.json"),
        }
    }

    fn place(&self) -> String {
        self.file.display().to_string()
    }

    fn unwritable(&self, failure: impl Into<FileFailure>) -> StoreFailure {
        StoreFailure::Unwritable {
            place: self.place(),
            problem: failure.into().to_string(),
        }
    }

    fn recognized(&self, text: &[u8]) -> Result<Option<Stored>, StoreFailure> {
        match auth_file::read(text) {
            Content::Known(stored) => Ok(Some(stored)),
            Content::Empty => Ok(None),
            Content::Corrupt => Err(StoreFailure::Corrupt {
                place: self.place(),
            }),
            Content::Foreign => Err(StoreFailure::Foreign {
                place: self.place(),
            }),
        }
    }

    fn read_stored(&self) -> Result<Option<Stored>, StoreFailure> {
        match owner_only::read_trusted(&self.file, MAX_SIZE) {
            Ok(found) => self.recognized(&found.text),
            Err(FileFailure::NotFound) => Ok(None),
            Err(failure) => Err(StoreFailure::Unreadable {
                place: self.place(),
                problem: failure.to_string(),
            }),
        }
    }

    /// Checks that the file is absent, or ours with a login.
    pub(super) fn check_replaceable(&self) -> Result<(), StoreFailure> {
        self.replaceable().map(drop)
    }

    /// Returns the file that a new login replaces. It must be ours and contain one.
    fn replaceable(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreFailure> {
        let refused = |failure: FileFailure| self.unwritable(failure);
        let Some(file) = OwnFile::open(&self.file).map_err(refused)? else {
            return Ok(None);
        };
        let text = file.read(MAX_SIZE).map_err(refused)?;
        self.recognized(&text)?;
        Ok(Some(text))
    }

    fn write(&self, stored: &Stored, saving: Saving) -> Result<(), StoreFailure> {
        let previous = self.replaceable()?;
        let previous = previous.as_ref().map(|text| text.as_slice());
        let text = auth_file::write(previous, stored, saving);
        let text = text.ok_or_else(|| StoreFailure::Corrupt {
            place: self.place(),
        })?;
        self.make_folder().map_err(|error| self.unwritable(error))?;
        // The caller holds the lock, so a temporary file is that of a killed process.
        owner_only::sweep(&self.file);
        owner_only::replace(&self.file, &text).map_err(|error| self.unwritable(error))
    }

    /// Checks whether a login can be saved.
    fn check_writable(&self) -> Result<(), StoreFailure> {
        self.replaceable()?;
        self.open_lock()?;
        owner_only::check_replaceable(&self.file).map_err(|error| self.unwritable(error))
    }

    fn delete(&self) -> Result<bool, StoreFailure> {
        owner_only::sweep(&self.file);
        let refused = |failure: FileFailure| StoreFailure::NotRemoved {
            place: self.place(),
            problem: failure.to_string(),
        };
        let Some(file) = OwnFile::open(&self.file).map_err(refused)? else {
            return Ok(false);
        };
        let text = file.read(MAX_SIZE).map_err(refused)?;
        if matches!(auth_file::read(&text), Content::Corrupt) {
            return Err(StoreFailure::NotRemoved {
                place: self.place(),
                problem: "it does not contain a readable login".to_owned(),
            });
        }
        file.remove().map_err(refused)?;
        Ok(true)
    }

    fn access_warning(&self) -> Option<String> {
        let may = match owner_only::access(&self.file)? {
            Access::None => return None,
            Access::Read => "read",
            Access::Write => "change",
        };
        Some(format!(
            "other users of this machine may be able to {may} {place}, which contains a login; run \
             `chmod 600 {place}`",
            place = self.place()
        ))
    }

    /// Returns why a renewed token could not be saved, if the stored login is renewable.
    fn renewal_warning(&self) -> Option<String> {
        let Ok(Some(Stored::Managed(tokens))) = self.read_stored() else {
            return None;
        };
        tokens.refresh_token?;
        let failure = OwnFile::open(&self.file).err()?;
        Some(format!(
            "the login in {} works until its token expires, and cannot be renewed: only a regular \
             file of this user is written, and {failure}",
            self.place()
        ))
    }

    fn make_folder(&self) -> std::io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        owner_only::make_folder(&mut builder).create(&self.folder)
    }

    fn lock_file(&self) -> PathBuf {
        self.folder.join("auth.lock")
    }

    fn open_lock(&self) -> Result<std::fs::File, StoreFailure> {
        let unlockable = |failure: FileFailure| StoreFailure::Unwritable {
            place: self.lock_file().display().to_string(),
            problem: failure.to_string(),
        };
        self.make_folder()
            .map_err(|error| unlockable(error.into()))?;
        owner_only::open_lock(&self.lock_file()).map_err(unlockable)
    }

    /// Marks the lock's file, for processes that look at it instead of the keyring.
    pub(super) fn mark(&self) {
        // Without it they notice the change at their next renewal.
        if let Ok(file) = self.open_lock() {
            let _ = file.set_modified(SystemTime::now());
        }
    }

    /// Returns the stamp of the file and of the marks.
    pub(super) fn marked_stamp(&self) -> Stamp {
        [&self.file, &self.lock_file()].map(|path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        })
    }

    async fn wait_for_lock(&self) -> Result<StoreLock, StoreFailure> {
        let file = self.open_lock()?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(StoreLock::held(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreFailure::Busy {
                        place: self.lock_file().display().to_string(),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(self.unwritable(error)),
            }
        }
    }
}

impl Store for FileStore {
    fn name(&self) -> &'static str {
        "file"
    }

    fn is_persistent(&self) -> bool {
        true
    }

    fn lock(&self) -> StoreAnswer<'_, StoreLock> {
        Box::pin(self.wait_for_lock())
    }

    fn load(&self) -> StoreAnswer<'_, Option<Stored>> {
        Box::pin(ready(self.read_stored()))
    }

    fn save(&self, stored: Stored, saving: Saving) -> StoreAnswer<'_, ()> {
        Box::pin(ready(self.write(&stored, saving)))
    }

    fn stamp(&self) -> Option<Stamp> {
        let [file, _] = self.marked_stamp();
        Some([file, None])
    }

    fn warnings(&self) -> Vec<String> {
        let warnings = [self.access_warning(), self.renewal_warning()];
        warnings.into_iter().flatten().collect()
    }

    fn check(&self) -> StoreAnswer<'_, ()> {
        Box::pin(ready(self.check_writable()))
    }

    fn tidy(&self) {
        if !owner_only::has_leftovers(&self.file) {
            return;
        }
        // The process that holds the lock may be writing one of them, and removes the others.
        if let Ok(lock) = self.open_lock()
            && lock.try_lock().is_ok()
        {
            owner_only::sweep(&self.file);
        }
    }

    fn remove(&self) -> StoreAnswer<'_, bool> {
        Box::pin(ready(self.delete()))
    }
}
