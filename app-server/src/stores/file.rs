//! A file that only the user can read: `auth.json`, written whole or not at all.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::future::ready;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::auth_file::{self, Content};
use byokey_auth::{Saving, Store, StoreAnswer, StoreFailure, StoreLock, Stored};
use byokey_base::owner_only;

/// Longest file that is read.
const MAX_SIZE: u64 = 1024 * 1024;
/// How long another process may hold the lock: longer than a refresh may take.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);

/// Keeps a credential in a file.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: PathBuf,
    file: PathBuf,
}

impl FileStore {
    /// A store in that folder, which is made when something is kept.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        // Where the user put a link, the file behind it is the one to replace.
        let file = folder.join("auth.json");
        Self {
            folder: folder.to_owned(),
            file: std::fs::canonicalize(&file).unwrap_or(file),
        }
    }

    fn place(&self) -> String {
        self.file.display().to_string()
    }

    fn unwritable(&self, error: &std::io::Error) -> StoreFailure {
        StoreFailure::Unwritable {
            place: self.place(),
            problem: error.kind().to_string(),
        }
    }

    fn read_file(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreFailure> {
        let unreadable = |problem: String| StoreFailure::Unreadable {
            place: self.place(),
            problem,
        };
        let file = match File::open(&self.file) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.kind().to_string())),
        };
        let mut text = Zeroizing::new(Vec::with_capacity(32 * 1024));
        file.take(MAX_SIZE + 1)
            .read_to_end(&mut text)
            .map_err(|error| unreadable(error.kind().to_string()))?;
        if u64::try_from(text.len()).is_ok_and(|length| length > MAX_SIZE) {
            return Err(self.corrupt());
        }
        Ok(Some(text))
    }

    fn corrupt(&self) -> StoreFailure {
        StoreFailure::Corrupt {
            place: self.place(),
        }
    }

    fn read_stored(&self) -> Result<Option<Stored>, StoreFailure> {
        let Some(text) = self.read_file()? else {
            return Ok(None);
        };
        match auth_file::read(&text) {
            Content::Known(stored) => Ok(Some(stored)),
            Content::Empty => Ok(None),
            Content::Corrupt => Err(self.corrupt()),
            Content::Foreign => Err(StoreFailure::Foreign {
                place: self.place(),
            }),
        }
    }

    fn write(&self, stored: &Stored, saving: Saving) -> Result<(), StoreFailure> {
        // What cannot be read here is somebody's all the same.
        self.read_stored()?;
        let previous = self.read_file()?;
        let previous = previous.as_ref().map(|text| text.as_slice());
        let text = auth_file::write(previous, stored, saving).ok_or_else(|| self.corrupt())?;
        self.make_folder()
            .and_then(|()| self.replace(&text))
            .map_err(|error| self.unwritable(&error))
    }

    fn make_folder(&self) -> std::io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        owner_only::make_folder(&mut builder).create(&self.folder)
    }

    /// Writes a new file beside the old one and puts it in its place.
    fn replace(&self, text: &[u8]) -> std::io::Result<()> {
        let name = format!(".auth.json.{}", uuid::Uuid::new_v4().simple());
        let new = self.file.with_file_name(name);
        let written = write_new(&new, text).and_then(|()| std::fs::rename(&new, &self.file));
        if written.is_err() {
            // Nothing of a secret stays behind.
            drop(std::fs::remove_file(&new));
        }
        written
    }

    fn open_lock(&self) -> std::io::Result<File> {
        self.make_folder()?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        owner_only::make_file(&mut options).open(self.folder.join("auth.lock"))
    }

    async fn wait_for_lock(&self) -> Result<StoreLock, StoreFailure> {
        let file = self.open_lock().map_err(|error| self.unwritable(&error))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(StoreLock::held(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreFailure::Busy {
                        place: self.folder.join("auth.lock").display().to_string(),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(self.unwritable(&error)),
            }
        }
    }
}

fn write_new(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    let mut file = owner_only::make_file(&mut options).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

impl Store for FileStore {
    fn name(&self) -> &'static str {
        "file"
    }

    fn keeps(&self) -> bool {
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

    fn remove(&self) -> StoreAnswer<'_, bool> {
        Box::pin(ready(match std::fs::remove_file(&self.file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.unwritable(&error)),
        }))
    }
}
