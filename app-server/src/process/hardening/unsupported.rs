//! An unsupported system: nothing is done, and nothing is reported as done.

use std::path::Path;

use byokey_protocol::initialize::HardeningReport;

pub(super) fn harden(_: bool) -> HardeningReport {
    HardeningReport::default()
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
