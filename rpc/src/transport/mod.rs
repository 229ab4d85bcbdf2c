//! How bytes arrive and leave. What they mean is up to the [`MessageHandler`].
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
