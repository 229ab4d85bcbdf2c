//! The host's side of the connection: answers refresh requests, and forwards notifications.

use std::sync::Arc;

use byokey_protocol::bearer_token::BearerTokenRefreshParams;
use byokey_protocol::error::METHOD_NOT_FOUND;
use byokey_protocol::external_auth::RefreshParams;
use byokey_protocol::methods::{BearerTokenRefresh, Refresh, Request as _};
use byokey_rpc::{Call, Peer, RequestError, Service, Skipped};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::events::{Event, Events};
use crate::provider::{AnyBearerProvider, AnyProvider, ProviderError};

/// The error code of a refresh request with a failed provider.
const PROVIDER_FAILED: i32 = -32000;

/// Answers the server.
pub(crate) struct Host {
    peer: Arc<Peer>,
    events: Arc<Events>,
    provider: Option<AnyProvider>,
    bearer_provider: Option<AnyBearerProvider>,
}

impl Host {
    pub(crate) const fn new(
        peer: Arc<Peer>,
        events: Arc<Events>,
        provider: Option<AnyProvider>,
        bearer_provider: Option<AnyBearerProvider>,
    ) -> Self {
        Self {
            peer,
            events,
            provider,
            bearer_provider,
        }
    }

    fn refresh(&self, provider: &AnyProvider, call: Call<'_>) {
        let Ok(params) = call.run::<RefreshParams, _>(Ok) else {
            return call.refuse(provider_failed());
        };
        let provider = provider.clone();
        self.answer(call, async move { provider.ask(params).await });
    }

    fn refresh_bearer(&self, provider: &AnyBearerProvider, call: Call<'_>) {
        let Ok(params) = call.run::<BearerTokenRefreshParams, _>(Ok) else {
            return call.refuse(provider_failed());
        };
        let provider = provider.clone();
        self.answer(call, async move { provider.ask(params).await });
    }

    fn answer<T: Serialize + Send + 'static>(
        &self,
        call: Call<'_>,
        supplied: impl Future<Output = Result<T, ProviderError>> + Send + 'static,
    ) {
        let peer = Arc::clone(&self.peer);
        // The provider's error may contain a token, so it stays here.
        let tokens = async move { supplied.await.map_err(|_| provider_failed()) };
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
        match (method, &self.provider, &self.bearer_provider) {
            (Refresh::NAME, Some(provider), _) => self.refresh(provider, call),
            (BearerTokenRefresh::NAME, _, Some(provider)) => self.refresh_bearer(provider, call),
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
