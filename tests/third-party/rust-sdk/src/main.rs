//! Drives byokey with the crate `codex-app-server-sdk`, a Rust client of codex.
//!
//! It supports the login with the host's tokens in its older form, with an id token, and has a
//! typed handler for refresh requests.

mod host;
mod story;

use std::time::Duration;

use host::Host;
use serde_json::json;
use story::{Outcome, check};

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let told = runtime.block_on(async {
        let limit = Duration::from_secs(60);
        let told = tokio::time::timeout(limit, tell()).await;
        told.map_err(|_| "the story takes too long")?
    });
    let server = story::only_child();
    // The client has no method to close; its tasks hold the pipes until the runtime is dropped.
    drop(runtime);
    told?;
    story::await_end(server?)
}

async fn tell() -> Outcome<()> {
    let mut host = Host::start().await?;
    login(&mut host).await?;
    turns(&mut host).await?;
    logout(&mut host).await
}

async fn login(host: &mut Host) -> Outcome<()> {
    let nobody = json!({"account": null, "userId": null, "requiresOpenaiAuth": true});
    check("account before login", host.account().await?, nobody)?;
    check("login", host.login().await?, "chatgptAuthTokens")?;
    let completed = json!({"loginId": null, "success": true, "error": null});
    let seen = host.login_completed().await?;
    check("account/login/completed", seen, completed)?;
    let updated = json!({"authMode": "chatgptAuthTokens", "planType": "pro", "reason": null});
    check("account/updated", host.account_updated().await?, updated)?;
    let account = json!({"type": "chatgpt", "email": "first@example.com", "planType": "pro"});
    check("account", &host.account().await?["account"], account)?;
    check("rate limits, used percent", host.used_percent().await?, 42)
}

async fn turns(host: &mut Host) -> Outcome<()> {
    let mut thread = host.thread();
    let answer = thread.ask("Hello", Default::default()).await?;
    check("turn", answer, "Streamed in pieces.")?;
    let streamed = (["Streamed ", "in ", "pieces."], "completed");
    check("events of the turn", host.turn_end().await?, streamed)?;
    check("refreshes so far", host.refreshes(), json!([]))?;

    let answer = thread.ask("Hello again", Default::default()).await?;
    check("turn over a 401", answer, "After a refresh.")?;
    let streamed = (["After ", "a ", "refresh."], "completed");
    check("events of the turn", host.turn_end().await?, streamed)?;
    let asked = json!([{"reason": "unauthorized", "previousAccountId": "account-first"}]);
    check("refreshes", host.refreshes(), asked)?;
    let updated = json!({"authMode": "chatgptAuthTokens", "planType": "team", "reason": null});
    check("account/updated", host.account_updated().await?, updated)?;
    let account = json!({"type": "chatgpt", "email": "second@example.com", "planType": "team"});
    check(
        "account after refresh",
        &host.account().await?["account"],
        account,
    )
}

async fn logout(host: &mut Host) -> Outcome<()> {
    host.logout().await?;
    let updated = json!({"authMode": null, "planType": null, "reason": null});
    let seen = host.account_updated().await?;
    check("account/updated after logout", seen, updated)?;
    let nobody = json!({"account": null, "userId": null, "requiresOpenaiAuth": true});
    check("account after logout", host.account().await?, nobody)
}
