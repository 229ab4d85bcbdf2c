//! `gateway/start` and `gateway/stop`.

use byokey_protocol::empty::Empty;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::gateway::{GatewayStartParams, GatewayStartResult};

use crate::server::error::RequestError;
use crate::server::reply::{Context, Outcome};

#[cfg(feature = "gateway")]
pub(crate) fn gateway_start(
    context: &Context,
    params: GatewayStartParams,
) -> Result<impl Future<Output = Outcome<GatewayStartResult>> + use<>, RequestError> {
    use crate::gateway::{Owner, StartError};

    let (services, peer) = (&context.services, context.peer.id);
    let lease = services.auth.lease();
    if lease.is_some_and(|lease| !Owner::Connection(peer).may_use(&lease)) {
        let message = "the login in force was supplied by another connection; only that one may \
                       start a gateway for it";
        return Err(RequestError::refused(ErrorKind::AuthRequired, message));
    }
    let started = services
        .gateways
        .start(services, peer, params.port.unwrap_or_default());
    let started = started.map_err(|error| {
        let kind = match error {
            StartError::Port(..) => ErrorKind::PortUnavailable,
            StartError::OwnAddress(_) => ErrorKind::ConfigurationInvalid,
            StartError::System(_) => ErrorKind::Retryable,
        };
        RequestError::failed(error.to_string(), kind.into())
    });
    Ok(std::future::ready(Ok(started?.into())))
}

#[cfg(not(feature = "gateway"))]
pub(crate) fn gateway_start(
    _: &Context,
    _: GatewayStartParams,
) -> Result<impl Future<Output = Outcome<GatewayStartResult>> + use<>, RequestError> {
    let refused: Result<std::future::Ready<Outcome<GatewayStartResult>>, _> =
        Err(RequestError::refused(
            ErrorKind::Unsupported,
            "this build has no gateway; use one with the feature gateway",
        ));
    refused
}

#[cfg_attr(
    not(feature = "gateway"),
    expect(unused_variables, reason = "there is no gateway to end")
)]
pub(crate) fn gateway_stop(context: &Context, _: Empty) -> Outcome<Empty> {
    #[cfg(feature = "gateway")]
    context.services.gateways.stop(context.peer.id);
    Ok(Empty {}.into())
}
