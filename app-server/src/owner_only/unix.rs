//! By owner and mode.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};

use rustix::process::geteuid;

/// Has a folder that is made be ours alone.
pub(crate) fn make_folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder.mode(0o700)
}

/// Has a file that is made be ours alone.
pub(crate) fn make_file(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Whether somebody else owns it, or may look into it.
pub(crate) fn is_open_to_others(metadata: &Metadata) -> bool {
    metadata.mode() & 0o077 != 0 || metadata.uid() != geteuid().as_raw()
}
