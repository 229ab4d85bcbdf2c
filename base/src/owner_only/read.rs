//! Bounded reads that never block. A FIFO, a device, a folder or an endless file in place of a
//! regular one is an error, also if it replaces the file at the last moment (TOCTOU).

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Access;
use super::platform::{access_of, is_link, is_trusted, kind_of, never_block};

/// Initial capacity in bytes for a file that reports no length.
const USUAL: usize = 32 * 1024;

/// Why a file is not read, written or removed. The texts follow the file's name and a colon.
#[derive(Debug, thiserror::Error)]
pub enum FileFailure {
    /// It does not exist.
    #[error("there is no such file")]
    NotFound,
    /// A link, a folder, a FIFO, a socket or a device.
    #[error("it is {0}, not a regular file")]
    NotRegular(&'static str),
    /// Longer than the limit.
    #[error("it has more than {0} bytes")]
    TooLong(u64),
    /// Its owner is neither this user nor, where that is accepted, root.
    #[error("it belongs to another user")]
    Foreign,
    /// A pipe that did not end in time.
    #[error("its other side did not finish within {} s", .0.as_secs())]
    Silent(Duration),
    /// Its name refers to another file now.
    #[error("it was replaced meanwhile")]
    Replaced,
    /// The system call failed.
    #[error("{0}")]
    Refused(#[from] io::Error),
}

impl FileFailure {
    pub(super) fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            _ if is_link(&error) => Self::NotRegular("a link"),
            _ => Self::Refused(error),
        }
    }
}

/// Reads a regular file of at most `limit` bytes. Links are followed.
///
/// # Errors
///
/// [`FileFailure`]; it never blocks.
pub fn read_bounded_regular(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileFailure> {
    let (file, metadata) = open_regular(path)?;
    read_bounded(&file, &metadata, limit)
}

/// The content of a file of ours or of root.
#[derive(Debug)]
pub struct Trusted {
    /// Its bytes.
    pub text: Zeroizing<Vec<u8>>,
    /// What other users may do with it.
    pub access: Access,
}

/// Reads a regular file of ours or of root, of at most `limit` bytes. Links are followed.
///
/// # Errors
///
/// [`FileFailure`]; it never blocks.
pub fn read_trusted(path: &Path, limit: u64) -> Result<Trusted, FileFailure> {
    let (file, metadata) = open_regular(path)?;
    if !is_trusted(&metadata) {
        return Err(FileFailure::Foreign);
    }
    Ok(Trusted {
        text: read_bounded(&file, &metadata, limit)?,
        access: access_of(&metadata),
    })
}

/// Returns what other users may do with a regular file; `None` if there is none. Links are
/// followed.
#[must_use]
pub fn access(path: &Path) -> Option<Access> {
    let metadata = std::fs::metadata(path).ok()?;
    metadata.is_file().then(|| access_of(&metadata))
}

/// Opens a regular file. Links are followed.
fn open_regular(path: &Path) -> Result<(File, Metadata), FileFailure> {
    // Checked before opening, since opening a device may have side effects.
    regular(&std::fs::metadata(path).map_err(FileFailure::of)?)?;
    let mut options = OpenOptions::new();
    let file = never_block(options.read(true)).open(path);
    let file = file.map_err(FileFailure::of)?;
    // Metadata of the open file, not of its name (TOCTOU).
    let metadata = file.metadata()?;
    regular(&metadata)?;
    Ok((file, metadata))
}

/// Reads an open file of at most `limit` bytes.
pub(super) fn read_bounded(
    file: &File,
    metadata: &Metadata,
    limit: u64,
) -> Result<Zeroizing<Vec<u8>>, FileFailure> {
    if metadata.len() > limit {
        return Err(FileFailure::TooLong(limit));
    }
    // One byte more lets the read that finds the end go without another allocation. Room that is
    // not used costs too: it is wiped, and so touched for the first time, when the text is dropped.
    let capacity = match usize::try_from(metadata.len()) {
        Ok(0) | Err(_) => USUAL,
        Ok(length) => length + 1,
    };
    let mut text = Zeroizing::new(Vec::with_capacity(capacity));
    // Some system files report no length, and others grow.
    file.take(limit + 1).read_to_end(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= limit) {
        return Ok(text);
    }
    Err(FileFailure::TooLong(limit))
}

pub(super) fn regular(metadata: &Metadata) -> Result<(), FileFailure> {
    match kind_of(metadata.file_type()) {
        None => Ok(()),
        Some(kind) => Err(FileFailure::NotRegular(kind)),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::read_bounded_regular;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    fn only_regular_files_are_read_and_only_so_much_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (name, length) in [("empty", 0), ("full", 100), ("over", 101)] {
            fs::write(path(name), "x".repeat(length)).unwrap();
        }
        let sparse = fs::File::create(path("sparse")).unwrap();
        sparse.set_len(1 << 40).unwrap();
        fs::create_dir(path("folder")).unwrap();
        mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();
        symlink("full", path("link")).unwrap();
        symlink("fifo", path("link-to-fifo")).unwrap();
        symlink("loop", path("loop")).unwrap();
        let not = |what| format!("it is {what}, not a regular file");
        let too_long = || "it has more than 100 bytes".to_owned();
        for (name, expected) in [
            ("empty", Ok(0)),
            ("full", Ok(100)),
            ("link", Ok(100)),
            ("over", Err(too_long())),
            ("sparse", Err(too_long())),
            ("folder", Err(not("a folder"))),
            ("fifo", Err(not("a FIFO"))),
            ("link-to-fifo", Err(not("a FIFO"))),
            ("socket", Err(not("a socket"))),
            ("loop", Err(not("a link"))),
            ("absent", Err("there is no such file".to_owned())),
        ] {
            let read = read_bounded_regular(&path(name), 100);
            let read = read.map(|text| text.len());
            assert_eq!(
                read.map_err(|failure| failure.to_string()),
                expected,
                "{name}"
            );
        }
    }
}
