//! A later time for a program: `libfaketime`, where it is installed, moves every clock that the
//! program asks, so that nobody waits for a limit of minutes.

use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::Setup;

/// Where distributions put it.
const FOLDERS: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];
/// The one for programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The clocks of a program.
#[derive(Debug)]
pub struct Clocks {
    library: PathBuf,
    /// How far they are ahead. It is read whenever the program asks for the time.
    ahead: NamedTempFile,
}

impl Clocks {
    /// Clocks that can be moved. Says so on the test's output if there are none, because
    /// something is not tested then.
    ///
    /// # Panics
    ///
    /// When there is no place for a temporary file.
    #[must_use]
    pub fn find() -> Option<Self> {
        let Some(library) = FOLDERS
            .iter()
            .find_map(|folder| library_in(folder.as_ref()))
        else {
            println!("SKIPPED: libfaketime is not installed");
            return None;
        };
        let ahead = NamedTempFile::new().expect("a temporary file");
        let clocks = Self { library, ahead };
        clocks.move_ahead(Duration::ZERO);
        Some(clocks)
    }

    /// Has a program ask these clocks.
    #[must_use]
    pub fn set_up(&self, setup: Setup) -> Setup {
        setup
            .environment("LD_PRELOAD", &self.library.to_string_lossy())
            .environment(
                "FAKETIME_TIMESTAMP_FILE",
                &self.ahead.path().to_string_lossy(),
            )
            .environment("FAKETIME_NO_CACHE", "1")
    }

    /// Removes what the library makes for a program that has started: it would be left over when
    /// the program is killed.
    pub fn clear_up(&self, pid: u32) {
        for name in [
            format!("faketime_shm_{pid}"),
            format!("sem.faketime_sem_{pid}"),
        ] {
            // Other versions make no such thing.
            drop(std::fs::remove_file(Path::new("/dev/shm").join(name)));
        }
    }

    /// Moves them ahead of the true time. A program that sleeps notices when it is woken.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn move_ahead(&self, by: Duration) {
        let mut file = self.ahead.as_file();
        file.rewind().expect("a file");
        writeln!(file, "+{}", by.as_secs()).expect("there is room");
    }
}

/// The library in this folder, or in one of those of the architectures in it.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let inside = std::fs::read_dir(folder).ok()?;
    let inside = inside.filter_map(|entry| Some(entry.ok()?.path()));
    let mut candidates = std::iter::once(folder.to_owned()).chain(inside);
    candidates
        .find(|folder| folder.join(LIBRARY).is_file())
        .map(|folder| folder.join(LIBRARY))
}
