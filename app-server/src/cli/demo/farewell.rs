//! The last chapters.

use byokey_dev_backend::Route;
use serde_json::{Value, json};

use super::host::Stop;
use super::play::Play;

pub(super) fn logout(play: &mut Play) -> Result<(), Stop> {
    let calls = play.backend.count(Route::Usage);
    play.host.call("account/logout", Value::Null)?;
    let updated = play.host.notification("account/updated")?;
    play.claim(
        "every client learns of it",
        &updated["authMode"],
        Value::Null,
    )?;

    let answer = play.host.call("account/read", json!({}))?;
    let wanted = json!({"account": null, "requiresOpenaiAuth": true});
    play.claim("nobody is signed in", &answer["result"], wanted)?;

    let answer = play.host.call("account/rateLimits/read", json!({}))?;
    let kind = &answer["error"]["data"]["kind"];
    play.claim("a call that needs a login is refused", kind, "authRequired")?;
    let more = play.backend.count(Route::Usage) - calls;
    play.claim("and does not reach the backend", &json!(more), 0)
}

pub(super) fn end_of_input(play: &mut Play) -> Result<(), Stop> {
    play.host.screen.remark("the host closes the pipe")?;
    play.host.hang_up()?;
    let code = play.server.exit_code();
    play.claim("byokey exits with code 0", &json!(code), 0)?;
    let counts = [play.host.refusals, play.host.questions];
    let claim = "in the whole story: 5 times 401, 5 questions to the host, not one more";
    play.claim(claim, &json!(counts), json!([5, 5]))
}
