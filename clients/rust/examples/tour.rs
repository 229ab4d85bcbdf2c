//! The other examples of the README, one after the other.

#![expect(clippy::print_stdout, reason = "an example prints what it does")]

use byokey_client::protocol::item::UserInput;
use byokey_client::protocol::open::Open;
use byokey_client::protocol::thread::ThreadStartParams;
use byokey_client::protocol::turn::TurnStartParams;
use byokey_client::{ByokeyClient, ByokeyError, Event, SpawnOptions, command_tokens};

#[expect(dead_code, reason = "it waits for a user in a browser")]
async fn login(args: Vec<String>) -> Result<(), ByokeyError> {
    let options = SpawnOptions::server_owns_login("my-host", "1.0").args(args);
    let client = ByokeyClient::spawn(options).await?;
    let opened = |url: &str| println!("please open {url}");
    println!("{:?}", client.login_in_browser(opened).await?.account);
    let answer = client.run("Say hello.", None, |piece| print!("{piece}"));
    println!("\n{}", answer.await?.text);
    Ok(())
}

async fn methods(client: &ByokeyClient) -> Result<(), ByokeyError> {
    let started = client.start_thread(ThreadStartParams::default()).await?;
    let hello = UserInput::Text {
        text: "Hello".to_owned(),
        text_elements: Vec::new(),
    };
    let turn = TurnStartParams {
        thread_id: started.thread.id,
        input: vec![hello],
        ..TurnStartParams::default()
    };
    client.start_turn(turn).await?;
    Ok(())
}

async fn account(client: &ByokeyClient) {
    let mut account = client.account();
    while account.changed().await.is_ok() {
        match &*account.borrow_and_update() {
            Some(account) => println!("signed in: {account:?}"),
            None => break,
        }
    }
}

async fn events(client: &ByokeyClient) {
    let mut events = client.events();
    while let Some(event) = events.next().await {
        match event {
            Event::AgentMessageDelta(message) => println!("{}", message.delta),
            Event::AccountUpdated(account) => match account.plan_type {
                Some(Open::Known(plan)) => println!("signed in, plan {plan:?}"),
                Some(Open::Unknown(plan)) => println!("signed in, a new plan: {plan}"),
                None => break,
            },
            _ => {}
        }
    }
}

async fn errors(client: &ByokeyClient) {
    match client.read_usage().await {
        Ok(usage) => println!("{:?}", usage.summary),
        Err(ByokeyError::SignInRequired(error)) => println!("please sign in: {:?}", error.kind),
        Err(error) if error.is_retryable() => println!("try again later"),
        Err(error) => println!("{error}"),
    }
}

#[tokio::main]
async fn main() -> Result<(), ByokeyError> {
    let provider = command_tokens("my-login-helper", ["--json"]);
    let tokens = provider.ask().await?;
    let mut args = vec!["app-server".to_owned()];
    args.extend(std::env::args().skip(1));
    let options = SpawnOptions::new("my-host", "1.0", provider).args(args);
    let client = ByokeyClient::spawn(options).await?;
    client.login(tokens).await?;
    let stay = async {
        drop(client.account().wait_for(Option::is_some).await);
        methods(&client).await?;
        client.logout(None).await
    };
    let ((), stayed) = tokio::join!(account(&client), stay);
    stayed?;
    events(&client).await;
    errors(&client).await;
    client.close().await;
    Ok(())
}
