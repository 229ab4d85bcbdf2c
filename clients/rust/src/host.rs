//! The host's side of the connection: answers refresh requests, and forwards notifications.

use std::sync::Arc;

use byokey_protocol::error::METHOD_NOT_FOUND;
use byokey_protocol::external_auth::RefreshParams;
use byokey_protocol::methods::{Refresh, Request as _};
use byokey_rpc::{Call, Peer, RequestError, Service, Skipped};
use serde_json::value::RawValue;

use crate::events::{Event, Events};
use crate::provider::AnyProvider;

/// The error code of a refresh request with a failed provider.
const PROVIDER_FAILED: i32 = -32000;

/// Answers the server.
pub(crate) struct Host {
    peer: Arc<Peer>,
    events: Arc<Events>,
    provider: Option<AnyProvider>,
}

impl Host {
    pub(crate) const fn new(
        peer: Arc<Peer>,
        events: Arc<Events>,
        provider: Option<AnyProvider>,
    ) -> Self {
        Self {
            peer,
            events,
            provider,
        }
    }

    fn refresh(&self, provider: &AnyProvider, call: Call<'_>) {
        let Ok(params) = call.run::<RefreshParams, _>(Ok) else {
            return call.refuse(provider_failed());
        };
        let (peer, provider) = (Arc::clone(&self.peer), provider.clone());
        // The provider's error may contain a token, so it stays here.
        let tokens = async move { provider.ask(params).await.map_err(|_| provider_failed()) };
        call.spawn(tokens, move |id, outcome| match outcome {
            Ok(tokens) => peer.respond(id, tokens),
            // A panic of the provider counts as a failure.
            Err(_) => peer.respond_error(Some(id), provider_failed()),
        });
    }
}

fn provider_failed() -> RequestError {
    RequestError::new(PROVIDER_FAILED, "the token provider of the host failed")
}

impl Service for Host {
    fn request(&mut self, method: &str, call: Call<'_>) {
        match &self.provider {
            Some(provider) if method == Refresh::NAME => self.refresh(provider, call),
            _ => {
                let text = "this client does not know the method";
                call.refuse(RequestError::new(METHOD_NOT_FOUND, text));
            }
        }
    }

    fn notification(&mut self, method: &str, params: Option<&RawValue>) {
        let params = params.map_or("{}", RawValue::get);
        self.events.publish(&Event::read(method, params));
    }

    fn skipped(&mut self, _: Skipped<'_>) {
        // It may have been a response, so calls could wait for ever.
        self.peer.close();
    }
}
