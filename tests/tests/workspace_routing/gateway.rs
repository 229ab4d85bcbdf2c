//! The model calls of a gateway's clients go where the workspace is, too.

use byokey_tests::gateway::{Client, TURN};

use super::*;

async fn gateway(host: &mut Host) -> Client {
    let started = host.request("gateway/start", json!({})).await.unwrap();
    let text = |member: &str| started[member].as_str().unwrap();
    Client::new(text("url"), text("bearer"))
}

#[tokio::test]
async fn a_call_of_the_gateway_goes_to_the_origin_of_the_workspace() {
    let places = Places::routed();
    let (_server, mut host) = places.signed_in().await;
    let client = gateway(&mut host).await;
    let answer = client.post("/v1/responses", TURN).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.contains("response.completed"), "{answer:?}");
    assert_eq!(places.model_calls(), (0, 1));
    let sent = places.workspace.requests_to(Route::Responses).remove(0);
    assert_eq!(sent.header(OVERRIDE), Some("us"));
    assert_eq!(sent.bearer(), Some(ada().as_str()));
    // Lists of models stay.
    assert_eq!(client.get("/v1/models").await.status, 200);
    assert_eq!(places.workspace.requests().len(), 1);
}

#[tokio::test]
async fn a_bound_workspace_without_its_routing_gets_503_and_sends_nothing() {
    let places = Places::new();
    places.answer(json!({"preset": "routing-broken", "repeat": 0}));
    let (_server, mut host) = places.program().await;
    host.login(&bound(), "ws-1").await;
    let client = gateway(&mut host).await;
    let refused = client.post("/v1/responses", TURN).await;
    let code = refused.code();
    let seen = (refused.status, code.as_str());
    assert_eq!(seen, (503, "workspace_routing_unavailable"), "{refused:?}");
    assert_eq!((places.lookups(), places.model_calls()), (1, (0, 0)));
    // The workspace of an unbound token is served by the configured backend.
    host.login(&ada(), "ws-2").await;
    assert_eq!(client.post("/v1/responses", TURN).await.status, 200);
    assert_eq!(places.model_calls(), (1, 0));
}
