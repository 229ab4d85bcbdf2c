//! The HTTP client of byokey: which proxy a request takes, which certificate authorities are
//! trusted, where a secret may be sent, and why a request had no answer.
//!
//! [`HttpClient::send`] is the only way out. It knows nothing of credentials, of the backend or of
//! the configuration: settings come in as plain values, and each request declares its sensitivity.

mod client;
mod connection;
mod explain;
mod failure;
mod loopback;
mod plaintext;
mod proxy;
mod roots;
mod standby;
mod way;

pub use client::{HttpClient, Request, Settings};
pub use failure::{CertificateProblem, ConnectCause, HttpFailure, Unreachable};
pub use loopback::is_loopback;
pub use plaintext::{PlaintextRefusal, Sensitivity, check_own_key, may_carry_login};
pub use proxy::{Proxies, Proxy, ProxyFailure};
pub use reqwest::{Error as BodyError, Response};
pub use roots::{RootSettings, RootsFailure};
pub use standby::{Occasion, STANDBY_LIFETIME};
