//! The last chapters.

use byokey_dev_backend::Route;
use serde_json::{Value, json};

use super::host::Stop;
use super::scenario::Scenario;

pub(super) fn logout(scenario: &mut Scenario) -> Result<(), Stop> {
    let calls = scenario.backend.count(Route::Usage);
    scenario.host.call("account/logout", Value::Null)?;
    let updated = scenario.host.notification("account/updated")?;
    scenario.check(
        "every client learns of it",
        &updated["authMode"],
        Value::Null,
    )?;

    let answer = scenario.host.call("account/read", json!({}))?;
    let wanted = json!({"account": null, "userId": null, "requiresOpenaiAuth": true});
    scenario.check("nobody is signed in", &answer["result"], wanted)?;

    let answer = scenario.host.call("account/rateLimits/read", json!({}))?;
    let kind = &answer["error"]["data"]["kind"];
    scenario.check("a call that needs a login is refused", kind, "authRequired")?;
    let more = scenario.backend.count(Route::Usage) - calls;
    scenario.check("and does not reach the backend", &json!(more), 0)
}

pub(super) fn end_of_input(scenario: &mut Scenario) -> Result<(), Stop> {
    scenario.host.screen.remark("the host closes the pipe")?;
    let code = scenario.host.hang_up()?;
    scenario.check("byokey exits with code 0", &json!(code), 0)?;
    let counts = [scenario.host.refusals, scenario.host.questions];
    let check = "in the whole story: 5 times 401, 5 questions to the host, not one more";
    scenario.check(check, &json!(counts), json!([5, 5]))
}
