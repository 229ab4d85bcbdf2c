//! Opening a connection ahead. The opening of HTTP/2 follows at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
#[cfg(any(feature = "http2", target_os = "linux", target_os = "android"))]
use std::time::Duration;

use reqwest::ClientBuilder;
use url::Url;

use super::watched::Watched;
use crate::connection::{Connected, Connections, HandOver, Running, Sender, handed_over};

/// How long an HTTP/2 server may be silent during a request before it is asked for a sign of life,
/// and how long it may take for that. Only while a request is unanswered, so that an idle connection
/// causes no wake-up.
///
/// Not where `MAX_UNACKNOWLEDGED` finds out the same: some servers end a connection with too many
/// pings, and with it the turn that they have not answered.
#[cfg(all(
    feature = "http2",
    not(any(target_os = "linux", target_os = "android"))
))]
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long bytes that were sent may stay unacknowledged. The network may have dropped a connection
/// that waited, without a word; TCP alone would repeat them for a quarter of an hour.
///
/// Linux and Android have a timer for that (`TCP_USER_TIMEOUT`, RFC 5482). Elsewhere the deadline of
/// the call ends it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MAX_UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// An open connection.
pub(super) struct Opened {
    pub(super) sender: Sender,
    /// To be set when an answer may arrive.
    pub(super) is_taken: Arc<AtomicBool>,
    pub(super) connection: Running,
}

/// Opens a connection to the origin of this address. None where that fails: the call that needs one
/// will find out why.
pub(super) async fn open(
    builder: ClientBuilder,
    url: Url,
    connections: &Connections,
) -> Option<Opened> {
    let builder = builder.connector_layer(HandOver);
    let client = with_unacknowledged(builder).build().ok()?;
    let failed = client.get(url).send().await.err()?;
    drop(client);
    let Connected { io, is_http2 } = handed_over(&failed)?;
    let is_taken = Arc::new(AtomicBool::new(false));
    let watched = Connected {
        io: Box::new(Watched::new(io, is_http2, Arc::clone(&is_taken))),
        is_http2,
    };
    #[cfg(all(feature = "http2", any(target_os = "linux", target_os = "android")))]
    let keep_alive = None;
    #[cfg(all(
        feature = "http2",
        not(any(target_os = "linux", target_os = "android"))
    ))]
    let keep_alive = Some(KEEP_ALIVE);
    let begun = watched.begin(
        connections,
        #[cfg(feature = "http2")]
        keep_alive,
    );
    let (sender, connection) = begun.await?;
    Some(Opened {
        sender,
        is_taken,
        connection,
    })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn with_unacknowledged(builder: ClientBuilder) -> ClientBuilder {
    builder.tcp_user_timeout(MAX_UNACKNOWLEDGED)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn with_unacknowledged(builder: ClientBuilder) -> ClientBuilder {
    builder
}
