//! A server that is kept running: started again when it ends, and signed in again.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example prints what it does"
)]

use byokey_client::protocol::external_auth::{ExternalTokens, RefreshParams};
use byokey_client::{ProviderError, SpawnOptions, Supervision, Supervisor, tokens};

async fn my_tokens(_: RefreshParams) -> Result<ExternalTokens, ProviderError> {
    let token = "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFkYUBleGFtcGxlLnRlc3QifQ.bWFkZS11cA"; // made up
    Ok(tokens(token, "ws-ada"))
}

#[tokio::main]
async fn main() -> Result<(), ProviderError> {
    let options = || SpawnOptions::new("my-host", "1.0", my_tokens);
    let supervision = Supervision::new().on_restart(|restart| {
        eprintln!("restarted: {:?}", restart.sign_in_error);
    });
    let supervisor = Supervisor::start(options, supervision).await?;
    if let Some(client) = supervisor.ready().await {
        let answer = client.run("Say hello.", None, |piece| print!("{piece}"));
        println!("\n{}", answer.await?.text);
    }
    supervisor.close().await;
    Ok(())
}
