//! Process hardening: keeps other processes of the same user from reading this one's memory.
//!
//! It runs first in `main`, before any input is read. Each system has its own file, and reports
//! exactly what was done. The code for macOS was compiled and never run; the code for Windows was
//! run under Wine. Rejected alternatives: docs/decisions/.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "macos", windows)),
    path = "unsupported.rs"
)]
mod platform;

use std::path::Path;

use byokey_protocol::initialize::HardeningReport;

use byokey_base::memory;

/// Protects the process from readers, unless debugging is allowed, and reports the state.
#[must_use]
pub fn harden(allow_debug: bool, wiping_allocator: bool) -> HardeningReport {
    let protection = platform::harden(allow_debug);
    HardeningReport {
        wiping_allocator,
        locked_memory: memory::is_locked(),
        ..protection
    }
}

/// Keeps this process and its descendants from ever gaining privileges, if the system can, and reports
/// the new state.
#[must_use]
pub fn forbid_new_privileges(before: HardeningReport) -> HardeningReport {
    platform::forbid_new_privileges(before)
}

/// Keeps this process from changing the file system and from starting programs, if the system can,
/// and reports the new state. Open files stay open. Files in `cleared` can still be removed, since
/// a socket file would outlive its process otherwise.
///
/// Call it before a second thread is spawned: threads inherit the restriction from their parent.
#[must_use]
pub fn forbid_file_changes(before: HardeningReport, cleared: Option<&Path>) -> HardeningReport {
    HardeningReport {
        locked_memory: before.locked_memory,
        ..platform::forbid_file_changes(before, cleared)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::{self, ErrorKind};
    use std::path::Path;
    use std::process::Command;

    use byokey_protocol::initialize::HardeningReport;

    use super::forbid_file_changes;

    fn make(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).open(path)
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "skipped steps are reported")]
    fn files_can_be_read_and_neither_changed_nor_started() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        let cleared = tempfile::tempdir().unwrap();
        let socket = cleared.path().join("socket");
        drop(make(&old).unwrap());
        drop(make(&socket).unwrap());
        // A thread restricts only itself and threads that it spawns later.
        let restricted = std::thread::spawn(move || {
            if !forbid_file_changes(HardeningReport::default(), Some(cleared.path()))
                .files_read_only
            {
                eprintln!("SKIPPED: this kernel has no Landlock");
                return;
            }
            File::open(&old).unwrap();
            let started = Command::new("/bin/sh").arg("-c").arg("exit 0").status();
            assert_eq!(started.unwrap_err().kind(), ErrorKind::PermissionDenied);
            let refused = |result: io::Result<File>| result.unwrap_err().kind();
            assert_eq!(refused(make(&old)), ErrorKind::PermissionDenied);
            assert_eq!(refused(make(&new)), ErrorKind::PermissionDenied);
            let removed = std::fs::remove_file(&old).unwrap_err();
            assert_eq!(removed.kind(), ErrorKind::PermissionDenied);
            std::fs::remove_file(&socket).unwrap();
            assert_eq!(refused(make(&socket)), ErrorKind::PermissionDenied);
        });
        restricted.join().unwrap();
        let started = Command::new("/bin/sh").arg("-c").arg("exit 0").status();
        assert!(started.unwrap().success(), "another thread may");
        make(folder.path().join("from another thread")).unwrap();
    }
}
