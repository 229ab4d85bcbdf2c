//! The chapters without a failure: the handshake, the login, and what the account may do.

use byokey_dev_backend::Route;
use byokey_protocol::initialize::{ClientInfo, InitializeParams};
use byokey_protocol::login::LoginStartParams;
use serde_json::json;

use super::host::Stop;
use super::scenario::{Scenario, handed_over};

/// The model of a thread that names none: the listed one with the lowest priority.
pub(super) const DEFAULT_MODEL: &str = "gpt-6.2-sol";

pub(super) fn introduction(scenario: &mut Scenario) -> Result<(), Stop> {
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
    let answer = scenario.host.call("initialize", params)?;
    scenario.host.notify("initialized");
    let server = &answer["result"]["serverInfo"]["name"];
    scenario.check("byokey answers with its name and version", server, "byokey")
}

pub(super) fn login(scenario: &mut Scenario) -> Result<(), Stop> {
    let params = LoginStartParams::ChatgptAuthTokens(handed_over(&scenario.tokens.alice[0]));
    let answer = scenario.host.call("account/login/start", params)?;
    let completed = scenario.host.notification("account/login/completed")?;
    let updated = scenario.host.notification("account/updated")?;
    let kind = &answer["result"]["type"];
    scenario.check("the token is taken", kind, "chatgptAuthTokens")?;
    scenario.check("the login is complete", &completed["success"], true)?;
    scenario.check(
        "every client learns of the plan",
        &updated["planType"],
        "pro",
    )?;

    let answer = scenario.host.call("account/read", json!({}))?;
    let email = &answer["result"]["account"]["email"];
    scenario.check("Alice is signed in", email, "alice@example.com")
}

pub(super) fn limits_and_models(scenario: &mut Scenario) -> Result<(), Stop> {
    let limits = scenario.host.call("account/rateLimits/read", json!({}))?;
    let used = &limits["result"]["rateLimits"]["primary"]["usedPercent"];
    scenario.check("42 % of Alice's short-term limit is used up", used, 42)?;

    let models = scenario.host.call("model/list", json!({}))?;
    let models = &models["result"]["data"];
    let models = models.as_array().into_iter().flatten();
    let default = models.clone().find(|model| model["isDefault"] == true);
    let named = json!([models.count(), default.map(|model| &model["id"])]);
    scenario.check(
        "eleven models are on offer, and the preferred one is the default",
        &named,
        json!([11, DEFAULT_MODEL]),
    )?;

    let tokens = scenario.tokens.clone();
    let alice = [&tokens.alice[0]];
    scenario.check_tokens(
        "the limits were read with Alice's token",
        Route::Usage,
        &alice,
    )?;
    scenario.check_tokens("and so were the models", Route::Models, &alice)
}
