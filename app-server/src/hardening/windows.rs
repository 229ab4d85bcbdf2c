//! Whoever opens the process from now on may ask whether it runs, wait for it and end it, and
//! nothing else. Run under Wine only.
//!
//! Handles that are open already stay as they are: the parent has one. And the owner of a process
//! may always change who may do what, so this stops a program that just looks, and not one that
//! first undoes it.

use std::path::Path;

use byokey_protocol::initialize::HardeningReport;
use secmem_proc::components::{check_tracer_winapi, set_default_dacl_winapi};

/// A step that the system refuses shows in the report.
pub(super) fn harden(allow_debug: bool) -> HardeningReport {
    let is_closed = !allow_debug && set_default_dacl_winapi().is_ok();
    HardeningReport {
        // A debugger that is there already reads on.
        dumpable: is_closed.then(|| check_tracer_winapi().is_err()),
        ..HardeningReport::default()
    }
}

pub(super) const fn forbid_file_changes(
    before: HardeningReport,
    _: Option<&Path>,
) -> HardeningReport {
    before
}
