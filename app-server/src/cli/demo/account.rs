//! The chapters without a failure: the handshake, the login, and what the account may do.

use byokey_dev_backend::Route;
use byokey_protocol::initialize::{ClientInfo, InitializeParams};
use byokey_protocol::login::LoginStartParams;
use serde_json::json;

use super::host::Stop;
use super::play::{Play, handed_over};

/// The model of a thread that names none: the listed one with the lowest priority.
pub(super) const DEFAULT_MODEL: &str = "gpt-6.2-sol";

pub(super) fn introduction(play: &mut Play) -> Result<(), Stop> {
    let client_info = ClientInfo {
        name: "byokey-demo".to_owned(),
        title: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let params = InitializeParams {
        client_info,
        capabilities: None,
        process_id: None,
    };
    let answer = play.host.call("initialize", params)?;
    play.host.notify("initialized")?;
    let server = &answer["result"]["serverInfo"]["name"];
    play.claim("byokey answers with its name and version", server, "byokey")
}

pub(super) fn login(play: &mut Play) -> Result<(), Stop> {
    let params = LoginStartParams::ChatgptAuthTokens(handed_over(&play.tokens.alice[0]));
    let answer = play.host.call("account/login/start", params)?;
    let completed = play.host.notification("account/login/completed")?;
    let updated = play.host.notification("account/updated")?;
    let kind = &answer["result"]["type"];
    play.claim("the token is taken", kind, "chatgptAuthTokens")?;
    play.claim("the login is complete", &completed["success"], true)?;
    play.claim(
        "every client learns of the plan",
        &updated["planType"],
        "pro",
    )?;

    let answer = play.host.call("account/read", json!({}))?;
    let email = &answer["result"]["account"]["email"];
    play.claim("Alice is signed in", email, "alice@example.com")
}

pub(super) fn limits_and_models(play: &mut Play) -> Result<(), Stop> {
    let limits = play.host.call("account/rateLimits/read", json!({}))?;
    let used = &limits["result"]["rateLimits"]["primary"]["usedPercent"];
    play.claim("42 % of Alice's short-term limit is used up", used, 42)?;

    let models = play.host.call("model/list", json!({}))?;
    let models = &models["result"]["data"];
    let ids: Vec<_> = models
        .as_array()
        .into_iter()
        .flatten()
        .map(|model| &model["id"])
        .collect();
    let named = json!([ids.len(), ids.first()]);
    play.claim(
        "eleven models are on offer",
        &named,
        json!([11, DEFAULT_MODEL]),
    )?;

    let tokens = play.tokens.clone();
    let alice = [&tokens.alice[0]];
    play.claim_tokens(
        "the limits were read with Alice's token",
        Route::Usage,
        &alice,
    )?;
    play.claim_tokens("and so were the models", Route::Models, &alice)
}
