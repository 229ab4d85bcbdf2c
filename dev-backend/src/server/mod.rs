//! The running backend: the handle, its options, its sockets, and one request from arrival to
//! response.

pub(crate) mod connections;
pub(crate) mod exchange;
pub(crate) mod gate;
pub(crate) mod handle;
pub(crate) mod listener;
pub(crate) mod options;
pub(crate) mod security;
