//! Files and folders private to their owner, and reads that never block.
//!
//! Reading follows links and accepts files of root: mounted secrets are links to world-readable
//! files of root. Writing and removing affect only our own regular file, and follow no link
//! (against TOCTOU races).

#[cfg(unix)]
mod links;
#[cfg(unix)]
mod named;
mod own;
#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "unsupported.rs")]
mod platform;
mod read;

#[cfg(unix)]
pub use links::foreign_link;
#[cfg(unix)]
pub use named::{read_named, read_named_of_anyone};
pub use own::{OwnFile, check_replaceable, has_leftovers, open_append, open_lock, replace, sweep};
#[cfg(not(unix))]
pub use platform::foreign_link;
pub use platform::{is_open_to_others, kind_of, make_file, make_folder};
pub use read::FileFailure;
pub use read::{access, read_bounded_regular, read_trusted};
#[cfg(not(unix))]
pub use read::{read_bounded_regular as read_named_of_anyone, read_trusted as read_named};

/// What other users may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    None,
    /// Read it.
    Read,
    /// Change it.
    Write,
}
