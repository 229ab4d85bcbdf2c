//! The backend, tested over its socket. No test leaves the loopback device or waits without a
//! limit.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod bearers;
mod callers;
mod defaults;
mod documentation;
mod gate;
mod hostile;
#[cfg(feature = "http2")]
mod http2;
mod imports;
mod issuer;
mod load;
mod memory;
mod presets;
mod script;
mod shapes;
mod shared_logins;
mod strict_bodies;
mod support;
#[cfg(all(feature = "http2", feature = "tls"))]
mod tls;
mod unpublished;
mod usage;
