//! On Windows a file takes over who may read it from its folder, and folders in the profile of a
//! user are that user's alone unless somebody opened them. Neither is set or checked here: the
//! libraries that could do it are not kept any more, and own code would be unsafe.

use std::fs::{DirBuilder, Metadata, OpenOptions};

pub(crate) const fn make_folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder
}

pub(crate) const fn make_file(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Not known, hence not said.
pub(crate) const fn is_open_to_others(_: &Metadata) -> bool {
    false
}
