//! Files and folders that are their owner's alone, and reads that never block.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "unsupported.rs")]
mod platform;
mod read;

pub use platform::{foreign_link, is_open_to_others, kind_of, make_file, make_folder};
pub use read::{FileFailure, read_bounded_regular};
