//! Any answer to a refresh request: it is adopted whole or not at all.
#![no_main]

use byokey_app_server::auth::{
    AuthState, HostTokens, LoginPolicy, Recovery, RecoveryFailure, Renewal, Supplier, is_bearer,
    is_identifier,
};
use byokey_protocol::external_auth::ExternalTokens;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let supplier = Supplier(1);
    let mut state = AuthState::new(LoginPolicy::default());
    let old = r#"{"accessToken":"e30.e30.made-up","chatgptAccountId":"ws-old"}"#;
    let old = serde_json::from_str(old).expect("tokens");
    drop(state.login_external(old, supplier).expect("a login"));
    let before = state.generation();
    let Recovery::Ask(order) = state.unauthorized(before, ()) else {
        panic!("a host is asked");
    };
    let answer = serde_json::from_str::<ExternalTokens>(text)
        .map(|tokens| Renewal::Host(HostTokens { tokens, supplier }))
        .map_err(|_| RecoveryFailure::AnswerInvalid);
    let settled = state.refreshed(order.ticket, answer).expect("it settles");
    assert_eq!(settled.waiters.len(), 1);
    assert!(!state.is_refreshing());
    let credential = state.credential().expect("somebody is signed in");
    let login = credential.chatgpt().expect("with tokens");
    match settled.outcome {
        Ok(()) => {
            assert_ne!(state.generation(), before);
            assert!(is_identifier(login.account_id()));
            assert!(is_bearer(credential.bearer().expose()));
        }
        Err(_) => {
            assert_eq!(state.generation(), before);
            assert_eq!(login.account_id(), "ws-old");
        }
    }
});
