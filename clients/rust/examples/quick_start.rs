//! The quick start of the README.

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use byokey_client::{ByokeyClient, SpawnOptions, first_login, tokens};
use byokey_client::{ProviderError, protocol::external_auth::*};

async fn my_tokens(_: RefreshParams) -> Result<ExternalTokens, ProviderError> {
    let token = "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFkYUBleGFtcGxlLnRlc3QifQ.bWFkZS11cA"; // made up
    Ok(tokens(token, "ws-ada"))
}

#[tokio::main]
async fn main() -> Result<(), ProviderError> {
    let mut args = vec!["app-server".to_owned()];
    args.extend(std::env::args().skip(1));
    let options = SpawnOptions::new("my-host", "1.0", my_tokens).args(args);
    let client = ByokeyClient::spawn(options).await?;
    client.login(my_tokens(first_login()).await?).await?;
    println!("{:?}", client.read_account().await?.account);
    println!("{:?}", client.read_rate_limits().await?.rate_limits.primary);
    client.close().await;
    Ok(())
}
