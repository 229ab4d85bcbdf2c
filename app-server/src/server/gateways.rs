//! The gateways of the connections: one each, which ends with its connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use byokey_auth::PeerId;
use byokey_protocol::gateway::GatewayStartResult;

use crate::gateway::{ClockHandle, Dependencies, Gateway, Owner, Settings, StartError};
use crate::server::services::Services;

/// The gateways, by their connections.
#[derive(Debug, Default)]
pub struct Gateways(Mutex<HashMap<PeerId, Gateway>>);

impl Gateways {
    /// Starts the gateway of a connection, or returns the one that it has. A connection that asks
    /// for another port gets another gateway.
    pub(crate) fn start(
        &self,
        services: &Services,
        peer: PeerId,
        port: u16,
    ) -> Result<GatewayStartResult, StartError> {
        let mut all = self.all();
        if all
            .get(&peer)
            .is_none_or(|old| port != 0 && old.port() != port)
        {
            let dependencies = Dependencies {
                backend: Arc::clone(&services.backend),
                auth: Arc::clone(&services.auth),
                clock: ClockHandle(Arc::clone(&services.clock)),
            };
            let settings = Settings {
                owner: Owner::Connection(peer),
                port,
                recorder: None,
            };
            all.insert(peer, Gateway::start(dependencies, settings)?);
        }
        let gateway = all
            .get(&peer)
            .ok_or_else(|| StartError::System(std::io::Error::other("the gateway is gone")))?;
        Ok(GatewayStartResult {
            url: gateway.url(),
            bearer: gateway.bearer().duplicate(),
        })
    }

    /// Ends the gateway of a connection, if it has one.
    pub(crate) fn stop(&self, peer: PeerId) {
        self.all().remove(&peer);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<PeerId, Gateway>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
