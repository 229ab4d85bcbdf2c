//! A loopback stand-in for the ChatGPT backend, the OpenAI API and the issuer of their logins.
//!
//! Authors of hosts develop against it offline, and tests use it as their one mock. It answers the
//! few routes that `byokey app-server` calls with plausible data, and a [`Script`] makes it answer
//! otherwise: with an error, with exact events, late, half or never. It listens on 127.0.0.1 only
//! and believes every bearer it was not told to refuse.
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
//! - `backend`: [`DevBackend`], the handle: start, look, steer, stop. `options`: what it can be
//!   started with.
//! - `listener`: the thread, its sockets and connections. `exchange`: one request from arrival to
//!   answer.
//! - `route`: which request is which. `record`: what was received. `observe`: the line about it,
//!   without secrets.
//! - `script`, `step`, `play`: the script as written, one step of it, and its progress. `bearers`:
//!   who is refused.
//! - `gate`: holding answers back.
//! - `answer`, `stream`, `reply`: an answer, its event stream, and the events that make up a
//!   model's reply.
//! - `defaults`: what each route of the backend answers without a script. [`issuer`]: what those of
//!   the issuer do.
//! - [`jwt`]: made-up tokens.

mod answer;
mod backend;
mod bearers;
mod clock;
mod defaults;
mod exchange;
mod gate;
pub mod issuer;
pub mod jwt;
mod listener;
mod observe;
mod options;
mod play;
mod record;
mod reply;
mod route;
mod script;
mod step;
mod stream;

pub use backend::DevBackend;
pub use gate::Gate;
pub use jwt::{TestToken, unsigned};
pub use observe::{Exchange, Fingerprint, Outcome};
pub use options::Options;
pub use record::RecordedRequest;
pub use route::Route;
pub use script::{Script, ScriptError};
pub use step::StepError;

/// The TLS library whose `ServerConfig` [`Options::tls`] takes.
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
