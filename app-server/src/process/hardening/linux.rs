//! Linux: not dumpable, no core dumps, no new privileges, and a Landlock ruleset against changes of
//! files.

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

/// The ABI of every kernel since 6.2: writing, creating, removing, moving and truncating files. An
/// older kernel enforces a part of it, and the report does not claim it then.
const KNOWN: ABI = ABI::V3;

pub(super) fn harden(allow_debug: bool) -> HardeningReport {
    if !allow_debug {
        protect();
    }
    report()
}

/// The steps are independent; a failed one shows in the report.
fn protect() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
}

pub(super) fn forbid_new_privileges(before: HardeningReport) -> HardeningReport {
    // A failure shows in the report.
    let _ = set_no_new_privs(true);
    HardeningReport {
        no_new_privileges: no_new_privs().ok(),
        ..before
    }
}

fn report() -> HardeningReport {
    HardeningReport {
        dumpable: dumpable_behavior()
            .ok()
            .map(|state| state != DumpableBehavior::NotDumpable),
        core_limit: getrlimit(Resource::Core).current,
        no_new_privileges: no_new_privs().ok(),
        ..HardeningReport::default()
    }
}

pub(super) fn forbid_file_changes(
    before: HardeningReport,
    cleared: Option<&Path>,
) -> HardeningReport {
    let restricted = restrict(cleared);
    HardeningReport {
        wiping_allocator: before.wiping_allocator,
        files_read_only: restricted
            .is_ok_and(|status| status.ruleset == RulesetStatus::FullyEnforced),
        ..report()
    }
}

/// Handles all rights to change or execute a file, and allows at most one.
fn restrict(cleared: Option<&Path>) -> Result<RestrictionStatus, RulesetError> {
    // Files stay in a folder that cannot be opened.
    let cleared = cleared.and_then(|folder| PathFd::new(folder).ok());
    let removal =
        cleared.map(|folder| Ok::<_, RulesetError>(PathBeneath::new(folder, AccessFs::RemoveFile)));
    Ruleset::default()
        .handle_access(AccessFs::from_write(KNOWN) | AccessFs::Execute)?
        .create()?
        .add_rules(removal)?
        .restrict_self()
}
