//! Settings that were mended while the server ran: workspaces are routed by the new ones.

use super::*;

#[tokio::test]
async fn mended_settings_decide_about_the_login_in_force() {
    let places = Places::routed();
    let url = places.configured.base_url();
    let origin = places.workspace.base_url();
    let base = format!("chatgpt_base_url = \"{url}/backend-api\"");
    let elsewhere = "chatgpt_base_url = \"http://127.0.0.1:1/backend-api\"";
    let listed = format!("[byokey]\nworkspace_origins = [\"{origin}\"]");
    let unlisted = "[byokey]\nworkspace_origins = [\"http://example.com\"]";
    let missing = "model_provider = \"missing\"";
    for (what, broken) in [
        ("the provider", [&*base, missing, &*listed]),
        ("the origins", [&*base, "", unlisted]),
        ("the backend", [elsewhere, missing, &*listed]),
    ] {
        let setup = Setup::default().config(&broken.join("\n")).environment(
            "CODEX_CA_CERTIFICATE",
            places.certificate.path().to_str().unwrap(),
        );
        let before = (places.lookups(), places.model_calls().1);
        let mut server = setup.start();
        let mut host = Host::initialized(&mut server).await;
        host.login(&ada(), "ws-1").await;
        let refused = host.request("thread/start", json!({})).await.unwrap_err();
        assert_eq!(refused.kind(), "configurationInvalid", "{what}");
        assert_eq!(shown(&mut host).await, Value::Null, "{what}");
        let mended = [&*base, &*listed].join("\n");
        #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
        std::fs::write(server.home.codex_home().join("config.toml"), mended).unwrap();
        complete(&mut host).await;
        assert_eq!(shown(&mut host).await["backendOrigin"], origin, "{what}");
        let lookups = places.lookups() - before.0;
        assert!((1..=2).contains(&lookups), "{what}: {lookups}");
        let calls = places.model_calls();
        assert_eq!(calls, (0, before.1 + 1), "{what}");
    }
}
