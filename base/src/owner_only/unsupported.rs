//! On Windows a file inherits its access list from its folder, and folders in a user's profile are
//! private unless they were opened on purpose. Neither is set or checked here: the libraries for it
//! are unmaintained, and own code would be unsafe.

use std::fs::{DirBuilder, File, FileType, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::Access;

/// Returns the builder unchanged.
pub const fn make_folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder
}

/// Returns the options unchanged.
pub const fn make_file(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Returns false: access lists are not read.
pub const fn is_open_to_others(_: &Metadata) -> bool {
    false
}

/// Returns `None`: links are not examined.
#[expect(
    clippy::unnecessary_wraps,
    reason = "elsewhere the system may refuse to tell"
)]
pub const fn foreign_link(_: &Path) -> io::Result<Option<PathBuf>> {
    Ok(None)
}

/// Returns the options unchanged: opening never blocks on Windows.
pub(super) const fn never_block(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Returns the kind of a file, for messages, unless it is a regular one.
pub fn kind_of(file: FileType) -> Option<&'static str> {
    match file {
        file if file.is_file() => None,
        file if file.is_dir() => Some("a folder"),
        file if file.is_symlink() => Some("a link"),
        _ => Some("a device"),
    }
}

/// Returns the options unchanged: the name was examined before.
pub(super) const fn never_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

pub(super) const fn is_link(_: &io::Error) -> bool {
    false
}

/// Returns true: owners are not read.
pub(super) const fn is_ours(_: &Metadata) -> bool {
    true
}

/// Returns true: owners are not read.
pub(super) const fn is_trusted(_: &Metadata) -> bool {
    true
}

/// Returns no access: access lists are not read.
pub(super) const fn access_of(_: &Metadata) -> Access {
    Access::None
}

/// Returns true: the standard library does not identify files here.
pub(super) const fn is_same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[expect(clippy::unnecessary_wraps, reason = "elsewhere the system may refuse")]
pub(super) const fn narrow(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Does nothing: folders cannot be opened here.
pub(super) const fn sync_folder(_: &Path) {}
