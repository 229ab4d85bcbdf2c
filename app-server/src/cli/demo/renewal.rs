//! The chapters with a 401.

use byokey_dev_backend::Route;
use serde_json::json;

use super::host::Stop;
use super::play::Play;
use super::turn;

pub(super) fn during_a_turn(play: &mut Play) -> Result<(), Stop> {
    let tokens = play.tokens.clone();
    let [old, new, _] = &tokens.alice;
    play.expire(old)?;
    turn::start(play)?;
    let question = play.renew(new)?;
    turn::complete(play)?;
    play.claim_question(&question, old)?;
    let claim = "the same call was sent twice: with the old token, then with the new one";
    play.claim_tokens(claim, Route::Responses, &[old, new])
}

pub(super) fn during_any_call(play: &mut Play) -> Result<(), Stop> {
    let tokens = play.tokens.clone();
    let [_, old, new] = &tokens.alice;
    play.expire(old)?;
    let id = play.host.ask("account/rateLimits/read", json!({}))?;
    let question = play.renew(new)?;
    let answer = play.host.answer(id)?;
    play.claim_question(&question, old)?;
    let used = &answer["result"]["rateLimits"]["primary"]["usedPercent"];
    play.claim("the limits are there after all", used, 42)?;
    let claim = "the call was sent again with the new token";
    play.claim_tokens(claim, Route::Usage, &[old, new])
}

pub(super) fn by_another_account(play: &mut Play) -> Result<(), Stop> {
    let tokens = play.tokens.clone();
    let (old, new) = (&tokens.alice[2], &tokens.bob[0]);
    play.expire(old)?;
    let id = play.host.ask("account/usage/read", json!({}))?;
    let question = play.renew(new)?;
    let answer = play.host.answer(id)?;
    let updated = play.host.notification("account/updated")?;
    play.claim_question(&question, old)?;
    let sum = &answer["result"]["summary"]["lifetimeTokens"];
    play.claim("the call succeeds, now for Bob", sum, 123_456)?;
    play.claim(
        "every client learns of Bob's plan",
        &updated["planType"],
        "team",
    )?;
    claim_bob_is_signed_in(play, "Bob is signed in")
}

pub(super) fn refused(play: &mut Play) -> Result<(), Stop> {
    let tokens = play.tokens.clone();
    let [old, new] = &tokens.bob;
    play.expire(old)?;
    let id = play.host.ask("account/rateLimits/read", json!({}))?;
    let (question, _) = play.host.asked_for_token()?;
    play.host
        .refuse(&question, "the user did not sign in again")?;
    let kind = play.host.answer(id)?["error"]["data"]["kind"].take();
    let claim = "error.data.kind is hostRefused: no need to read the text";
    play.claim(claim, &kind, "hostRefused")?;
    claim_bob_is_signed_in(play, "the old login stays")?;

    let id = play.host.ask("account/rateLimits/read", json!({}))?;
    let question = play.renew(new)?;
    let answer = play.host.answer(id)?;
    let used = &answer["result"]["rateLimits"]["primary"]["usedPercent"];
    play.claim_question(&question, old)?;
    play.claim(
        "the next call asks again and succeeds: no lock-out",
        used,
        42,
    )
}

fn claim_bob_is_signed_in(play: &mut Play, claim: &str) -> Result<(), Stop> {
    let answer = play.host.call("account/read", json!({}))?;
    let email = &answer["result"]["account"]["email"];
    play.claim(claim, email, "bob@example.com")
}
