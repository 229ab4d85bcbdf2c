//! Access by owner and mode.

use std::fs::{DirBuilder, FileType, Metadata, OpenOptions};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _,
};

use rustix::fs::OFlags;
use rustix::process::geteuid;

#[path = "links.rs"]
mod links;

pub use links::foreign_link;

/// Sets the mode of a folder to be created: its owner's alone.
pub fn make_folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder.mode(0o700)
}

/// Sets the mode of a file to be created: its owner's alone.
pub fn make_file(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Has a file be opened at once, also where it is a FIFO that no process writes to.
pub(super) fn never_block(options: &mut OpenOptions) -> &mut OpenOptions {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    options.custom_flags(flags.bits().cast_signed())
}

/// Returns what a file is, for messages, unless it is a regular one.
pub fn kind_of(file: FileType) -> Option<&'static str> {
    Some(match file {
        file if file.is_file() => return None,
        file if file.is_dir() => "a folder",
        file if file.is_symlink() => "a link",
        file if file.is_fifo() => "a FIFO",
        file if file.is_socket() => "a socket",
        _ => "a device",
    })
}

/// Returns whether another user owns the file or folder, or may read it.
pub fn is_open_to_others(metadata: &Metadata) -> bool {
    metadata.mode() & 0o077 != 0 || metadata.uid() != geteuid().as_raw()
}
