//! Everything that holds for model calls holds at the origin of a workspace.

use super::*;

#[tokio::test]
async fn a_401_there_is_recovered_from() {
    let places = Places::routed();
    let (_server, mut host) = places.signed_in().await;
    places.workspace.reject_bearer(ada());
    let thread = thread(&mut host).await;
    begin(&mut host, &thread).await;
    let (id, asked) = host.asked(REFRESH).await;
    assert_eq!(asked["previousAccountId"], "ws-1");
    let renewed = TestToken::new("ada").expiring_in(Duration::from_secs(7_200));
    let answer = json!({"accessToken": renewed.encode(), "chatgptAccountId": "ws-1"});
    host.respond(&id, answer).await;
    assert_eq!(end(&mut host).await["status"], "completed");
    let sent = places.workspace.requests_to(Route::Responses);
    let bearers: Vec<_> = sent.iter().filter_map(|it| it.bearer()).collect();
    assert_eq!(bearers, [ada(), renewed.encode()]);
    assert_eq!((places.lookups(), places.model_calls()), (1, (0, 2)));
}

#[tokio::test]
async fn a_redirect_from_there_is_not_followed() {
    let places = Places::routed();
    let target = places.configured.base_url() + "/backend-api/codex/responses";
    let redirect = json!([{"status": 307, "headers": {"location": target}, "repeat": 0}]);
    let script = json!({"routes": {"responses": redirect}});
    places
        .workspace
        .set_script(Script::from_value(script).unwrap());
    let (_server, mut host) = places.signed_in().await;
    let ended = turn(&mut host).await;
    assert_eq!(ended["status"], "failed", "{ended}");
    assert_eq!(places.model_calls(), (0, 1));
}

#[tokio::test]
async fn cookies_go_back_to_where_they_came_from() {
    let places = Places::routed();
    let settings = json!({"settings": {"challengeUntilCookie": true}});
    places
        .workspace
        .set_script(Script::from_value(settings).unwrap());
    let (_server, mut host) = places.signed_in().await;
    complete(&mut host).await;
    let sent = places.workspace.requests_to(Route::Responses);
    let cookies: Vec<_> = sent
        .iter()
        .map(|it| it.header("cookie").is_some())
        .collect();
    assert_eq!(cookies, [false, true]);
    let limits = host.request("account/rateLimits/read", json!({})).await;
    limits.unwrap();
    for request in places.configured.requests() {
        assert_eq!(request.header("cookie"), None, "{}", request.path);
    }
}

#[tokio::test]
async fn a_conversation_stays_with_its_account() {
    let places = Places::routed();
    let listening = byokey_tests::Listening::start(places.setup(), "unix://").await;
    let mut owner = listening.unix_host().await;
    owner.login(&ada(), "ws-1").await;
    let thread = thread(&mut owner).await;
    begin(&mut owner, &thread).await;
    assert_eq!(end(&mut owner).await["status"], "completed");
    let mut other = listening.unix_host().await;
    other.login(&ada(), "ws-2").await;
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread, "input": input});
    let refused = owner.request("turn/start", params).await.unwrap_err();
    assert_eq!(refused.kind(), "accountChanged");
    assert_eq!(places.model_calls(), (0, 1));
}

#[tokio::test]
async fn the_standby_connection_leads_there() {
    for http in [Http::One, Http::Two] {
        let places = Places::over(http);
        places.route(&places.workspace.base_url(), "us");
        let (_server, mut host) = places.signed_in().await;
        handshakes(&places, 1).await;
        assert_eq!(places.model_calls(), (0, 0), "opened ahead");
        complete(&mut host).await;
        // The turn took it, and another one waits; calls of the account leave it alone.
        handshakes(&places, 2).await;
        let limits = host.request("account/rateLimits/read", json!({})).await;
        limits.unwrap();
        complete(&mut host).await;
        handshakes(&places, 3).await;
        assert_eq!(places.model_calls(), (0, 2));
        // It ends with the account.
        host.request("account/logout", json!({})).await.unwrap();
        until(&places, |it| it.open == 0).await;
    }
}

async fn handshakes(places: &Places, count: usize) {
    until(places, |it| it.handshakes == count && it.open > 0).await;
}

async fn until(places: &Places, expected: impl Fn(&byokey_dev_backend::Connections) -> bool) {
    let poll = async {
        while !expected(&places.workspace.connections()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(byokey_tests::PATIENCE, poll).await;
    waited.unwrap_or_else(|_| panic!("{:?}", places.workspace.connections()));
}
