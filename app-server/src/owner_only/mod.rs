//! Files and folders that are their owner's alone.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "elsewhere.rs")]
mod platform;

pub(crate) use platform::{is_open_to_others, make_file, make_folder};
