//! WebSocket connections: admission, and the framing of messages.

pub mod bearer;
mod codec;
mod failures;
pub mod frames;
mod handshake;
mod hosts;
mod refusal;
mod secret_file;
mod settings;
mod signed;

pub use bearer::BearerRule;
pub(crate) use codec::WebSocketCodec;
pub use handshake::{Admission, Admitted, Entrance, accept_upgrade};
pub use refusal::BearerRefusal;
pub use secret_file::{SecretFileError, TokenFile};
pub use settings::{AuthMode, AuthSettings, SettingsError};
