//! macOS: no debugger may attach, and no core is dumped. Compiled, and never run.
//!
//! The system ends a process with code 45 if it refuses debuggers while it is being traced, so
//! starting it from a debugger needs `--allow-debug`.

use std::path::Path;

use byokey_protocol::initialize::HardeningReport;
use rustix::process::{Resource, getrlimit};
use secmem_proc::components::{disable_core_dumps_rlimit, disable_tracing_prctl};

/// The steps are independent; a failed one shows in the report.
pub(super) fn harden(allow_debug: bool) -> HardeningReport {
    let refuses_debuggers = !allow_debug && {
        drop(disable_core_dumps_rlimit());
        disable_tracing_prctl().is_ok()
    };
    HardeningReport {
        // Whether other processes may read one that allows debuggers depends on the system's
        // policy.
        dumpable: refuses_debuggers.then_some(false),
        core_limit: getrlimit(Resource::Core).current,
        ..HardeningReport::default()
    }
}

pub(super) const fn forbid_new_privileges(before: HardeningReport) -> HardeningReport {
    before
}

pub(super) const fn forbid_file_changes(
    before: HardeningReport,
    _: Option<&Path>,
) -> HardeningReport {
    before
}
