//! No debugger may attach, and no core is dumped. Compiled, and never run.
//!
//! A process that is traced already and refuses debuggers is ended by the system with code 45, so
//! whoever starts it from a debugger says `--allow-debug`.

use std::path::Path;

use byokey_protocol::initialize::HardeningReport;
use rustix::process::{Resource, getrlimit};
use secmem_proc::components::{disable_core_dumps_rlimit, disable_tracing_prctl};

/// Each step stands alone; one that the system refuses shows in the report.
pub(super) fn harden(allow_debug: bool) -> HardeningReport {
    let refuses_debuggers = !allow_debug && {
        drop(disable_core_dumps_rlimit());
        disable_tracing_prctl().is_ok()
    };
    HardeningReport {
        // Whether others may read a process that allows debuggers is up to the system's policy.
        dumpable: refuses_debuggers.then_some(false),
        core_limit: getrlimit(Resource::Core).current,
        ..HardeningReport::default()
    }
}

pub(super) const fn forbid_file_changes(
    before: HardeningReport,
    _: Option<&Path>,
) -> HardeningReport {
    before
}
