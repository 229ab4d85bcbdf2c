//! The chapters with a 401.

use byokey_dev_backend::Route;
use serde_json::json;

use super::host::{Host, Stop};
use super::scenario::Scenario;
use super::turn;

pub(super) fn during_a_turn(scenario: &mut Scenario) -> Result<(), Stop> {
    let tokens = scenario.tokens.clone();
    let [old, new, _] = &tokens.alice;
    scenario.expire(old)?;
    turn::start(scenario)?;
    let question = scenario.renew(new)?;
    turn::complete(scenario)?;
    scenario.check_question(&question, old)?;
    let check = "the same call was sent twice: with the old token, then with the new one";
    scenario.check_tokens(check, Route::Responses, &[old, new])
}

pub(super) fn during_any_call(scenario: &mut Scenario) -> Result<(), Stop> {
    let tokens = scenario.tokens.clone();
    let [_, old, new] = &tokens.alice;
    scenario.expire(old)?;
    let asked = scenario.host.ask("account/rateLimits/read", json!({}));
    let question = scenario.renew(new)?;
    let answer = scenario.host.answer(asked)?;
    scenario.check_question(&question, old)?;
    let used = &answer["result"]["rateLimits"]["primary"]["usedPercent"];
    scenario.check("the limits are there after all", used, 42)?;
    let check = "the call was sent again with the new token";
    scenario.check_tokens(check, Route::Usage, &[old, new])
}

pub(super) fn by_another_account(scenario: &mut Scenario) -> Result<(), Stop> {
    let tokens = scenario.tokens.clone();
    let (old, new) = (&tokens.alice[2], &tokens.bob[0]);
    scenario.expire(old)?;
    let asked = scenario.host.ask("account/usage/read", json!({}));
    let question = scenario.renew(new)?;
    let answer = scenario.host.answer(asked)?;
    let updated = scenario.host.notification("account/updated")?;
    scenario.check_question(&question, old)?;
    let sum = &answer["result"]["summary"]["lifetimeTokens"];
    scenario.check("the call succeeds, now for Bob", sum, 123_456)?;
    scenario.check(
        "every client learns of Bob's plan",
        &updated["planType"],
        "team",
    )?;
    check_bob_is_signed_in(scenario, "Bob is signed in")
}

pub(super) fn refused(scenario: &mut Scenario) -> Result<(), Stop> {
    let tokens = scenario.tokens.clone();
    let [old, new] = &tokens.bob;
    scenario.expire(old)?;
    let asked = scenario.host.ask("account/rateLimits/read", json!({}));
    let question = scenario.host.asked_for_token()?;
    Host::refuse(question, "the user did not sign in again");
    let kind = scenario.host.answer(asked)?["error"]["data"]["kind"].take();
    let check = "error.data.kind is hostRefused: no need to read the text";
    scenario.check(check, &kind, "hostRefused")?;
    check_bob_is_signed_in(scenario, "the old login stays")?;

    let asked = scenario.host.ask("account/rateLimits/read", json!({}));
    let question = scenario.renew(new)?;
    let answer = scenario.host.answer(asked)?;
    let used = &answer["result"]["rateLimits"]["primary"]["usedPercent"];
    scenario.check_question(&question, old)?;
    scenario.check(
        "the next call asks again and succeeds: no lock-out",
        used,
        42,
    )
}

fn check_bob_is_signed_in(scenario: &mut Scenario, check: &str) -> Result<(), Stop> {
    let answer = scenario.host.call("account/read", json!({}))?;
    let email = &answer["result"]["account"]["email"];
    scenario.check(check, email, "bob@example.com")
}
