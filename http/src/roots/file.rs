//! Reads certificate files named by a variable: regular files, bounded, non-blocking.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::path::Path;

use byokey_base::os_cause::OsCause;

use super::Problem;

/// Longest certificate file, in bytes. Mozilla's bundle has 0.2 MiB.
pub(super) const MAX_FILE: u64 = 8 << 20;
/// Most files read from one folder.
const MAX_FILES: usize = 4096;

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let file = open(path).map_err(|error| Problem::Unreadable(OsCause::from(&error)))?;
    let metadata = file.metadata();
    let metadata = metadata.map_err(|error| Problem::Unreadable(OsCause::from(&error)))?;
    if !metadata.is_file() {
        return Err(Problem::NotAFile);
    }
    let mut bytes = Vec::new();
    // The metadata's length does not bound the read: a file may grow, and files of /proc report
    // none.
    let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|error| Problem::Unreadable(OsCause::from(&error)))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE {
        return Err(Problem::TooLong);
    }
    Ok(bytes)
}

/// Reads the files of a folder and skips unreadable ones.
pub(super) fn read_folder(path: &Path) -> Result<Vec<Vec<u8>>, Problem> {
    let entries = std::fs::read_dir(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotADirectory => Problem::NotAFolder,
        _ => Problem::Unreadable(OsCause::from(&error)),
    })?;
    let mut left = MAX_FILE;
    let mut files = Vec::new();
    for entry in entries.take(MAX_FILES).flatten() {
        // Not a pipe: opening one for reading would unblock its writer.
        let is_file = std::fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file());
        let Some(bytes) = is_file.then(|| read(&entry.path()).ok()).flatten() else {
            continue;
        };
        let Some(rest) = left.checked_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX)) else {
            return Err(Problem::TooLong);
        };
        left = rest;
        files.push(bytes);
    }
    Ok(files)
}

#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // Opening a pipe without a writer would block.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;

    use super::super::Problem;
    use super::{MAX_FILE, read, read_folder};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    fn only_a_regular_bounded_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let fifo = at("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
        std::fs::File::create(at("long"))
            .unwrap()
            .set_len(MAX_FILE + 1)
            .unwrap();
        std::fs::File::create(at("longest"))
            .unwrap()
            .set_len(MAX_FILE)
            .unwrap();
        std::os::unix::fs::symlink(at("longest"), at("link")).unwrap();
        assert_eq!(read(&fifo), Err(Problem::NotAFile));
        assert_eq!(read(folder.path()), Err(Problem::NotAFile));
        assert_eq!(read(Path::new("/dev/zero")), Err(Problem::NotAFile));
        assert_eq!(read(&at("long")), Err(Problem::TooLong));
        assert!(read(&at("longest")).is_ok() && read(&at("link")).is_ok());
        let missing = read(&at("none")).unwrap_err().to_string();
        assert_eq!(
            missing,
            "the file cannot be read (entity not found, os error 2)"
        );
        assert_eq!(read_folder(&at("long")), Err(Problem::NotAFolder));
    }
}
