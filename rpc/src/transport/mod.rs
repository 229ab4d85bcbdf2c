//! Transports: they move bytes. Their meaning is up to the [`MessageHandler`].
//!
//! [`MessageHandler`]: crate::MessageHandler

#[cfg(feature = "child")]
pub(crate) mod child;
#[cfg(feature = "listen")]
pub(crate) mod listener;
pub(crate) mod stdio;
pub(crate) mod stream;
#[cfg(feature = "listen")]
pub mod websocket;
