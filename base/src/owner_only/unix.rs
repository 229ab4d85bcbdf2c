//! Access by owner and mode.

use std::fs::{DirBuilder, File, FileType, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _,
    PermissionsExt as _,
};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;

use super::Access;

/// What a named pipe is called in messages.
pub(super) const FIFO: &str = "a FIFO";

/// Sets the mode of a folder to be created: private to its owner.
pub fn make_folder(builder: &mut DirBuilder) -> &mut DirBuilder {
    builder.mode(0o700)
}

/// Sets the mode of a file to be created: private to its owner.
pub fn make_file(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Makes opening non-blocking, also for a FIFO without a writer.
pub(super) fn never_block(options: &mut OpenOptions) -> &mut OpenOptions {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    options.custom_flags(flags.bits().cast_signed())
}

/// Like [`never_block`], and fails for a link.
pub(super) fn never_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
    options.custom_flags(flags.bits().cast_signed())
}

/// Returns whether opening failed because the name is a link.
pub(super) fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

/// Returns whether it belongs to us.
pub(super) fn is_ours(metadata: &Metadata) -> bool {
    metadata.uid() == geteuid().as_raw()
}

/// Returns whether it belongs to us or to root.
pub(super) fn is_trusted(metadata: &Metadata) -> bool {
    is_ours(metadata) || metadata.uid() == 0
}

/// Returns what other users may do with a file.
pub(super) fn access_of(metadata: &Metadata) -> Access {
    match metadata.mode() {
        mode if mode & 0o022 != 0 => Access::Write,
        mode if mode & 0o077 != 0 => Access::Read,
        _ => Access::None,
    }
}

pub(super) fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Removes other users' permissions from a file of ours.
pub(super) fn narrow(file: &File, metadata: &Metadata) -> io::Result<()> {
    if access_of(metadata) == Access::None {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(0o600))
}

/// Makes the name of a file durable. Some systems cannot sync folders.
pub(super) fn sync_folder(file: &Path) {
    if let Some(folder) = file.parent() {
        drop(File::open(folder).and_then(|folder| folder.sync_all()));
    }
}

/// Returns the kind of a file, for messages, unless it is a regular one.
pub fn kind_of(file: FileType) -> Option<&'static str> {
    Some(match file {
        file if file.is_file() => return None,
        file if file.is_dir() => "a folder",
        file if file.is_symlink() => "a link",
        file if file.is_fifo() => FIFO,
        file if file.is_socket() => "a socket",
        _ => "a device",
    })
}

/// Returns whether another user owns the file or folder, or may read it.
pub fn is_open_to_others(metadata: &Metadata) -> bool {
    metadata.mode() & 0o077 != 0 || metadata.uid() != geteuid().as_raw()
}
