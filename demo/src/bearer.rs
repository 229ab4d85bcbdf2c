//! The chapter with a bearer token for a configured provider.

use byokey_dev_backend::Route;
use byokey_protocol::bearer_token::{BearerToken, BearerTokenLogin};
use byokey_protocol::login::LoginStartParams;
use byokey_protocol::secret::Secret;
use serde_json::{Value, json};

use super::host::{Host, Stop};
use super::link::Supplied;
use super::scenario::Scenario;
use super::tokens::Token;
use super::{account, settings, turn};

pub(super) fn one_thread(scenario: &mut Scenario) -> Result<(), Stop> {
    let origin = scenario.backend.base_url();
    let mut settings = settings(&scenario.backend).to_vec();
    settings.extend([
        "model_provider=mine".to_owned(),
        "model_providers.mine.name=Mine".to_owned(),
        format!("model_providers.mine.base_url={origin}/v1"),
    ]);
    let link = (scenario.spawn)(&settings)?;
    scenario.host.connect(link);
    account::introduction(scenario)?;
    let tokens = scenario.tokens.clone();
    let [first, others @ ..] = &tokens.dora;
    login(scenario, first, &origin)?;

    let answer = scenario.host.call("thread/start", json!({}))?;
    scenario.host.notification("thread/started")?;
    scenario.thread_id = answer["result"]["thread"]["id"].clone();
    turn::start(scenario)?;
    turn::complete(scenario)?;
    let mut sent = vec![first];
    for (old, new) in tokens.dora.iter().zip(others) {
        scenario.expire(old)?;
        turn::start(scenario)?;
        let question = renew(scenario, new)?;
        turn::complete(scenario)?;
        let wanted = json!({"reason": "unauthorized", "origin": origin});
        let check = "byokey asked for a new token and said for whom";
        scenario.check(check, &question, wanted)?;
        sent.extend([old, new]);
    }
    let check = "one thread, four tokens, no restart: each refused call was repeated once";
    scenario.check_tokens(check, Route::Responses, &sent)?;

    scenario.host.screen.remark("the host closes the pipe")?;
    let code = scenario.host.hang_up()?;
    scenario.check("byokey exits with code 0", &json!(code), 0)
}

fn login(scenario: &mut Scenario, token: &Token, origin: &str) -> Result<(), Stop> {
    let params = LoginStartParams::BearerToken(BearerTokenLogin {
        token: Secret::from(token.value.as_str()),
        origin: origin.to_owned(),
        expires_at: None,
        label: Some("Dora".to_owned()),
    });
    scenario.host.call("account/login/start", params)?;
    scenario.host.notification("account/login/completed")?;
    let updated = scenario.host.notification("account/updated")?;
    let check = "the token is taken, for this recipient alone";
    scenario.check(check, &updated["authMode"], "bearerToken")?;
    let answer = scenario.host.call("account/read", json!({}))?;
    let label = &answer["result"]["account"]["label"];
    scenario.check("Dora is signed in", label, "Dora")
}

/// Waits for a refresh request and answers with this token; returns the request.
fn renew(scenario: &mut Scenario, new: &Token) -> Result<Value, Stop> {
    let question = scenario.host.asked_for_token()?;
    let supplied = Supplied::Bearer(BearerToken {
        token: Secret::from(new.value.as_str()),
        expires_at: None,
    });
    Ok(Host::hand_over(question, supplied))
}
