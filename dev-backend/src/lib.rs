//! A loopback replacement for the ChatGPT backend, the OpenAI API and the issuer of their logins.
//!
//! Authors of hosts develop against it offline, and tests use it as their one mock. It answers the
//! few routes that `byokey app-server` calls as strictly and as oddly as the real ones were
//! publicly measured, and a [`Script`] makes it answer otherwise: with an error, with exact events,
//! late, half or never. It listens on 127.0.0.1 only and accepts every bearer without a reason to
//! refuse it.
//!
//! ```
//! use byokey_dev_backend::{DevBackend, Options, Route, Script, TestToken};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let script = Script::from_json(r#"{"routes": {"usage": [{"status": 503}]}}"#)?;
//! let backend = DevBackend::start(Options::new().script(script))?;
//! let token = TestToken::new("ada").encode();
//! // Give `backend.base_url()` and `token` to the program under test, then look at what it sent:
//! assert_eq!(backend.count(Route::Usage), 0);
//! # drop(token);
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! - `server`: [`DevBackend`], the handle; its options, sockets and gates; one request from arrival
//!   to answer.
//! - `request`: which request is which, what was received, and the log line without secrets.
//! - `script`: the script as written, one step of it, its cursor, and the bearers it refuses.
//! - `answer`: an answer, its event stream, the events of a model's reply, and the forms of errors.
//! - `presets`: answers by name. `settings`: how strict and how odd the backend is.
//! - `checks`: what it refuses. `state`: what it remembers of earlier requests. `catalogue`: its
//!   models.
//! - `defaults`: what each route of the backend answers without a script. [`issuer`]: the same for
//!   the issuer.
//! - [`jwt`]: made-up tokens.
//!
//! Imports run one way, from `server` at the top to `request` and [`jwt`] at the bottom; a test
//! holds that no two files import each other, directly or through others.

mod answer;
mod catalogue;
mod checks;
mod clock;
mod defaults;
pub mod issuer;
pub mod jwt;
mod presets;
mod request;
mod script;
mod server;
mod settings;
mod state;

pub use jwt::{TestToken, unsigned};
pub use presets::table::presets;
pub use request::observe::{Exchange, Fingerprint, Outcome};
pub use request::record::RecordedRequest;
pub use request::route::Route;
pub use script::document::Script;
pub use script::error::ScriptError;
pub use script::step::StepError;
pub use server::connections::Connections;
pub use server::gate::Gate;
pub use server::handle::DevBackend;
pub use server::options::Options;

/// The TLS library of the `ServerConfig` in [`Options::tls`].
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
