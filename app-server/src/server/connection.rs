//! The connection of one client: routes its requests to the handlers.

use std::sync::Arc;

use byokey_protocol::methods::ClientRequest;
use byokey_rpc::Service;
use serde_json::value::RawValue;

use crate::server::dispatch::{Call, Changes, dispatch};
use crate::server::reply::Context;
use crate::server::services::Services;
use crate::server::unknown_method::unknown_method;

/// The connection of a client.
pub type Connection = byokey_rpc::Connection<Session>;

/// Answers one client's requests. Dropped when the client disconnects.
#[derive(Debug)]
pub struct Session {
    context: Context,
    changes: Arc<Changes>,
}

/// Opens the connection of the one client that the process has.
#[must_use]
pub fn open(services: Arc<Services>) -> Connection {
    open_for(services, false)
}

/// Opens the connection of a new client of a listener, which ends for no more than itself.
#[must_use]
pub fn open_shared(services: Arc<Services>) -> Connection {
    open_for(services, true)
}

fn open_for(services: Arc<Services>, is_shared: bool) -> Connection {
    let peer = services.peers.join();
    let rpc = Arc::clone(&peer.rpc);
    let session = Session {
        context: Context {
            services,
            peer,
            is_shared,
        },
        changes: Arc::default(),
    };
    Connection::new(rpc, session)
}

impl Service for Session {
    fn request(&mut self, method: &str, call: byokey_rpc::Call<'_>) {
        match ClientRequest::from_name(method) {
            Some(request) => dispatch(
                request,
                Call {
                    context: &self.context,
                    changes: &self.changes,
                    rpc: call,
                },
            ),
            None => call.refuse(unknown_method(method)),
        }
    }

    fn notification(&mut self, _: &str, _: Option<&RawValue>) {
        // The handshake is complete with the answer to `initialize`; codex ignores unknown
        // notifications, and so does the Language Server Protocol for those that begin with `$/`.
    }

    async fn drained(&self) {
        self.context.services.threads.idle().await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Context { services, peer, .. } = &self.context;
        #[cfg(feature = "gateway")]
        services.gateways.stop(peer.id);
        services.peers.leave(peer);
        services.threads.forget(peer.id);
    }
}
