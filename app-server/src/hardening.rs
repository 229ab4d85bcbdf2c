//! Keeps other processes of the same user from reading this one's memory.
//!
//! It is the first thing in `main`, before any input is read. Linux only, so far: elsewhere the
//! report says that nothing is known. What was considered and left out: docs/decisions/.

use std::path::Path;

use byokey_protocol::initialize::HardeningReport;

/// Protects the process, unless debugging is allowed, and reports the state.
#[must_use]
pub fn harden(allow_debug: bool, wiping_allocator: bool) -> HardeningReport {
    if !allow_debug {
        platform::protect();
    }
    HardeningReport {
        wiping_allocator,
        ..platform::report()
    }
}

/// Keeps this process from changing anything in the file system and from starting programs, if the
/// system can, and reports the new state. What is open already stays open. In `cleared`, files can still be removed: a
/// socket outlives its process otherwise.
///
/// To be called before the process has a second thread: threads inherit it from the one that
/// starts them.
#[must_use]
pub fn forbid_file_changes(before: HardeningReport, cleared: Option<&Path>) -> HardeningReport {
    let files_read_only = platform::forbid_file_changes(cleared);
    HardeningReport {
        wiping_allocator: before.wiping_allocator,
        files_read_only,
        ..platform::report()
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use std::path::Path;

    use byokey_protocol::initialize::HardeningReport;
    use landlock::{
        ABI, AccessFs, PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr as _,
        RulesetCreatedAttr as _, RulesetError, RulesetStatus,
    };
    use rustix::process::{
        DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior,
        setrlimit,
    };
    use rustix::thread::{no_new_privs, set_no_new_privs};

    /// The newest rules asked for that every kernel since 6.2 has: writing, making, removing,
    /// moving and truncating files. An older kernel enforces what it knows, and the report then
    /// does not claim it.
    const KNOWN: ABI = ABI::V3;

    /// Each step stands alone; one that the system refuses shows in the report.
    pub(super) fn protect() {
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
        let _ = set_no_new_privs(true);
    }

    pub(super) fn report() -> HardeningReport {
        HardeningReport {
            dumpable: dumpable_behavior()
                .ok()
                .map(|state| state != DumpableBehavior::NotDumpable),
            core_limit: getrlimit(Resource::Core).current,
            no_new_privileges: no_new_privs().ok(),
            ..HardeningReport::default()
        }
    }

    pub(super) fn forbid_file_changes(cleared: Option<&Path>) -> bool {
        restrict(cleared).is_ok_and(|status| status.ruleset == RulesetStatus::FullyEnforced)
    }

    /// Handles every way to change or start a file, and allows one at most.
    fn restrict(cleared: Option<&Path>) -> Result<RestrictionStatus, RulesetError> {
        // A folder that cannot be opened keeps its files.
        let cleared = cleared.and_then(|folder| PathFd::new(folder).ok());
        let removal = cleared
            .map(|folder| Ok::<_, RulesetError>(PathBeneath::new(folder, AccessFs::RemoveFile)));
        Ruleset::default()
            .handle_access(AccessFs::from_write(KNOWN) | AccessFs::Execute)?
            .create()?
            .add_rules(removal)?
            .restrict_self()
    }
}

/// No core dump is what can be had without unsafe code. Compiled for macOS, and never run there.
#[cfg(all(unix, not(target_os = "linux")))]
mod platform {
    use std::path::Path;

    use byokey_protocol::initialize::HardeningReport;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    pub(super) fn protect() {
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
    }

    pub(super) fn report() -> HardeningReport {
        HardeningReport {
            core_limit: getrlimit(Resource::Core).current,
            ..HardeningReport::default()
        }
    }

    pub(super) fn forbid_file_changes(_: Option<&Path>) -> bool {
        false
    }
}

#[cfg(not(unix))]
mod platform {
    use std::path::Path;

    use byokey_protocol::initialize::HardeningReport;

    pub(super) fn protect() {}

    pub(super) fn report() -> HardeningReport {
        HardeningReport::default()
    }

    pub(super) fn forbid_file_changes(_: Option<&Path>) -> bool {
        false
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
    #[expect(clippy::print_stderr, reason = "what is skipped is told")]
    fn files_can_be_read_and_neither_changed_nor_started() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        let cleared = tempfile::tempdir().unwrap();
        let socket = cleared.path().join("socket");
        drop(make(&old).unwrap());
        drop(make(&socket).unwrap());
        // A thread restricts only itself and those that it starts.
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
