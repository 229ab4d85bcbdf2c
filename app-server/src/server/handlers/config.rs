//! `config/read` and `configRequirements/read`: the part of the configuration that clients may
//! read.

use byokey_protocol::config::{
    ConfigReadParams, ConfigReadResult, ConfigRequirements, ConfigRequirementsReadResult,
    LoginMethod, Settings,
};
use byokey_protocol::empty::Empty;
use byokey_protocol::open::Open;

use crate::server::reply::{Context, Outcome};
use byokey_auth::{ForcedMethod, LoginPolicy};

pub(crate) fn config_read(context: &Context, _: ConfigReadParams) -> Outcome<ConfigReadResult> {
    let config = context.services.config();
    let (provider, workspaces) = (&config.provider, &config.policy.allowed_workspaces);
    let config = Settings {
        model: config.model.clone(),
        model_provider: (!provider.is_built_in()).then(|| provider.id.clone()),
        forced_login_method: forced_method(&config.policy),
        forced_chatgpt_workspace_id: (!workspaces.is_empty()).then(|| workspaces.clone()),
    };
    Ok(ConfigReadResult {
        config,
        origins: Empty {},
        layers: None,
    }
    .into())
}

pub(crate) fn config_requirements_read(
    context: &Context,
    _: Empty,
) -> Outcome<ConfigRequirementsReadResult> {
    let requirements =
        forced_method(&context.services.config().policy).map(|method| ConfigRequirements {
            allowed_login_methods: vec![method],
        });
    Ok(ConfigRequirementsReadResult { requirements }.into())
}

fn forced_method(policy: &LoginPolicy) -> Option<Open<LoginMethod>> {
    policy.forced_method.map(|method| match method {
        ForcedMethod::Chatgpt => LoginMethod::Chatgpt.into(),
        ForcedMethod::Api => LoginMethod::Api.into(),
    })
}
