//! WebSocket connections: admission, and the framing of messages.

pub mod bearer;
mod codec;
mod failures;
pub mod frames;
mod guard;
mod handshake;
mod hosts;
mod refusal;
mod secret_file;
mod settings;
mod signed;
mod unfinished;

pub use bearer::BearerRule;
pub(crate) use codec::WebSocketCodec;
pub use guard::{Delay, PortGuard};
pub use handshake::{Admission, Admitted, Entrance, accept_upgrade};
pub use refusal::{BearerRefusal, SenderRefusal};
pub use secret_file::{SecretFileError, TokenFile, random_token};
pub use settings::{AuthMode, AuthSettings, SettingsError};
