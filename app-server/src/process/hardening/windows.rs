//! Windows: a process that opens this one from now on may query, await and end it, and nothing
//! else. Run under Wine only.
//!
//! Existing handles keep their rights: the parent has one. The owner of a process may always change
//! its access list, so this stops programs that only read, not those that first revert it.

use std::path::Path;

use byokey_protocol::initialize::HardeningReport;
use secmem_proc::components::{check_tracer_winapi, set_default_dacl_winapi};

/// A failed step shows in the report.
pub(super) fn harden(allow_debug: bool) -> HardeningReport {
    let is_closed = !allow_debug && set_default_dacl_winapi().is_ok();
    HardeningReport {
        // An attached debugger is not detached.
        dumpable: is_closed.then(|| check_tracer_winapi().is_err()),
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
