//! The token of a running server, over its default socket.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use byokey_protocol::account::{AuthMode, GetAuthStatusParams, GetAuthStatusResult};
use byokey_protocol::initialize::{ClientInfo, InitializeParams};
use byokey_protocol::methods::{GetAuthStatus, Initialize, Request};
use byokey_protocol::open::Open;
use byokey_rpc::{Call, Connection, Limits, Peer, RequestError, Service, serve};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::{Found, NoToken, failed};
use crate::cli::listen::default_socket;

/// How long a server may take, which includes a renewal at the issuer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers no request of a server: a token of the host is not asked for here.
struct Unable;

impl Service for Unable {
    fn request(&mut self, _: &str, call: Call<'_>) {
        call.answer::<()>(Err(RequestError::unknown_method()));
    }

    fn notification(&mut self, _: &str, _: Option<&RawValue>) {}
}

/// Returns the token of the server that listens in this home.
pub(super) async fn token(byokey_home: Option<&Path>) -> Result<Found, NoToken> {
    let path = default_socket(byokey_home.ok_or(NoToken::NoServer)?);
    let Ok(stream) = UnixStream::connect(&path).await else {
        return Err(NoToken::NoServer);
    };
    let (reader, writer) = stream.into_split();
    let peer = Arc::new(Peer::new(Arc::new(AtomicI64::new(1)), None));
    let connection = Connection::new(Arc::clone(&peer), Unable).silent();
    let (end, shutdown) = watch::channel(false);
    let served = serve(reader, writer, connection, Limits::default(), shutdown);
    let asked = async {
        let status = ask(&peer).await;
        end.send_replace(true);
        status
    };
    let both = async { tokio::join!(served, asked).1 };
    let status = tokio::time::timeout(PATIENCE, both).await;
    let status = status.map_err(|_| failed("the running server did not answer in time"))??;
    let Some(Open::Known(kind)) = status.auth_method else {
        return Err(NoToken::SignedOut {
            place: "the running server",
            store: "file",
        });
    };
    match (kind, status.auth_token) {
        (AuthMode::ChatgptAuthTokens | AuthMode::BearerToken, _) => Err(NoToken::OwnedByHost),
        (kind, Some(token)) => Ok(Found { kind, token }),
        (AuthMode::PersonalAccessToken, None) => Err(NoToken::Personal),
        // A login that cannot be renewed any more is not handed out.
        (_, None) => Err(NoToken::Expired { store: "file" }),
    }
}

async fn ask(peer: &Arc<Peer>) -> Result<GetAuthStatusResult, NoToken> {
    let hello = InitializeParams {
        client_info: ClientInfo {
            name: "byokey-token".to_owned(),
            title: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        capabilities: None,
        process_id: None,
    };
    request::<Initialize>(peer, hello).await?;
    let params = GetAuthStatusParams {
        include_token: Some(true),
        refresh_token: None,
    };
    request::<GetAuthStatus>(peer, params).await
}

async fn request<M>(peer: &Arc<Peer>, params: M::Params) -> Result<M::Result, NoToken>
where
    M: Request<Params: Serialize, Result: DeserializeOwned + Send + 'static>,
{
    let answer = peer.request::<M>(&params).await;
    answer.map_err(|_| failed("the running server did not answer as `byokey app-server` does"))
}
