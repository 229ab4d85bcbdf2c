//! The environment of one program: a home folder, a backend, and a model that streams.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use byokey_dev_backend::{DevBackend, Options, TestToken};
use tempfile::TempDir;

use crate::Failure;
use crate::model::Model;

/// The environment of one program.
pub(crate) struct Site {
    /// Its home folder.
    pub(crate) home: TempDir,
    /// Everything but the model.
    pub(crate) backend: DevBackend,
    /// The model.
    pub(crate) model: Model,
}

impl Site {
    /// Creates one.
    pub(crate) fn new() -> Result<Self, Failure> {
        // A server only listens on a socket in a private folder.
        let home = tempfile::Builder::new()
            .prefix("byokey-bench")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        let backend = DevBackend::start(Options::new().keep_requests(0))?;
        let model = Model::start()?;
        let config = configuration(&backend.base_url(), &model.base_url());
        #[expect(clippy::disallowed_methods, reason = "a folder of its own")]
        std::fs::write(home.path().join("config.toml"), config)?;
        Ok(Self {
            home,
            backend,
            model,
        })
    }
}

/// Returns a configuration for both this server and its peers.
fn configuration(backend: &str, model: &str) -> String {
    format!(
        r#"model = "mock-model"
model_provider = "mock"
chatgpt_base_url = "{backend}/backend-api"
[model_providers.mock]
name = "Mock"
base_url = "{model}/v1"
wire_api = "responses"
requires_openai_auth = true
request_max_retries = 0
stream_max_retries = 0
"#
    )
}

/// Returns a fake token that differs from those with another number, for the same account. All have
/// equal lengths and expiries, so that runs do not depend on the date.
pub(crate) fn token(number: usize) -> String {
    let ada = TestToken::new("ada");
    let mut claims = ada.claims();
    claims["iat"] = ISSUED.into();
    claims["exp"] = EXPIRES.into();
    claims["jti"] = format!("{number:08}").into();
    byokey_dev_backend::unsigned(&claims, "ada")
}

/// The first seconds of 2026 and of 2100.
const ISSUED: u64 = 1_767_225_600;
const EXPIRES: u64 = 4_102_444_800;

/// The account of every [`token`].
pub(crate) const ACCOUNT: &str = "account-ada";
