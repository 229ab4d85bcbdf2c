//! Files named on the command line. They may be pipes, such as those of process substitution.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zeroize::Zeroizing;

use super::platform::{FIFO, access_of, is_trusted, kind_of, never_block};
use super::read::{FileFailure, Trusted, read_bounded};

/// How long a pipe may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads a regular file or a pipe of at most `limit` bytes that belongs to us or to root. A pipe
/// must end within 2 s. Links are followed.
///
/// # Errors
///
/// [`FileFailure`]
pub fn read_named(path: &Path, limit: u64) -> Result<Trusted, FileFailure> {
    let (mut file, metadata) = open_named(path)?;
    if !is_trusted(&metadata) {
        return Err(FileFailure::Foreign);
    }
    let text = read_open(&mut file, &metadata, limit)?;
    let access = access_of(&metadata);
    Ok(Trusted { text, access })
}

/// The same without a check of the owner: the content is not trusted, so the file may belong to any user.
///
/// # Errors
///
/// [`FileFailure`]
pub fn read_named_of_anyone(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileFailure> {
    let (mut file, metadata) = open_named(path)?;
    read_open(&mut file, &metadata, limit)
}

fn open_named(path: &Path) -> Result<(File, Metadata), FileFailure> {
    is_readable(&std::fs::metadata(path).map_err(FileFailure::of)?)?;
    let mut options = OpenOptions::new();
    let file = never_block(options.read(true)).open(path);
    let file = file.map_err(FileFailure::of)?;
    let metadata = file.metadata()?;
    is_readable(&metadata)?;
    Ok((file, metadata))
}

fn read_open(
    file: &mut File,
    metadata: &Metadata,
    limit: u64,
) -> Result<Zeroizing<Vec<u8>>, FileFailure> {
    if metadata.is_file() {
        read_bounded(file, metadata, limit)
    } else {
        read_pipe(file, limit)
    }
}

fn is_readable(metadata: &Metadata) -> Result<(), FileFailure> {
    match kind_of(metadata.file_type()) {
        None | Some(FIFO) => Ok(()),
        Some(kind) => Err(FileFailure::NotRegular(kind)),
    }
}

/// Reads to the end of a pipe, when its last writer has closed it.
fn read_pipe(pipe: &mut File, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileFailure> {
    let deadline = Instant::now() + PATIENCE;
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    let mut part = Zeroizing::new([0; 4096]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).unwrap_or_default();
        // A pipe that no process has opened for writing yet reads as ended, too.
        let mut ready = [PollFd::new(pipe, PollFlags::IN)];
        match poll(&mut ready, Some(&timeout)) {
            Ok(0) => return Err(FileFailure::Silent(PATIENCE)),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(FileFailure::Refused(error.into())),
        }
        let read = match pipe.read(&mut *part) {
            Ok(0) => return Ok(text),
            Ok(read) => read,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        text.extend_from_slice(part.get(..read).unwrap_or_default());
        if u64::try_from(text.len()).is_ok_and(|length| length > limit) {
            return Err(FileFailure::TooLong(limit));
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write as _;
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::{PATIENCE, read_named};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    fn a_pipe_is_read_to_its_end_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["good", "silent", "endless"] {
            mknodat(CWD, path(name), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        }
        fs::write(path("file"), "text").unwrap();
        fs::create_dir(path("folder")).unwrap();
        let write = |name, parts: usize| {
            let path = path(name);
            thread::spawn(move || {
                // The reader may open it later.
                let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
                for _ in 0..parts {
                    thread::sleep(Duration::from_millis(5));
                    if pipe.write_all(&[b'x'; 50]).is_err() {
                        break;
                    }
                }
            })
        };
        let read = |name| {
            let read = read_named(&path(name), 100).map(|found| found.text.len());
            read.map_err(|failure| failure.to_string())
        };
        assert_eq!(read("file"), Ok(4));
        assert_eq!(
            read("folder"),
            Err("it is a folder, not a regular file".to_owned())
        );
        let writers = [write("good", 2), write("endless", usize::MAX)];
        assert_eq!(read("good"), Ok(100));
        assert_eq!(
            read("endless"),
            Err("it has more than 100 bytes".to_owned())
        );
        for writer in writers {
            writer.join().unwrap();
        }
        let begun = Instant::now();
        assert_eq!(
            read("silent"),
            Err("its other side did not finish within 2 s".to_owned())
        );
        assert!(begun.elapsed() >= PATIENCE);
    }
}
