//! Any answer to a refresh request: it is adopted as a whole or not at all.

use std::str;

use byokey_auth::{
    AuthState, HostTokens, LoginPolicy, PeerId, Recovery, RecoveryFailure, RefreshOrder, is_bearer,
    is_identifier,
};
use byokey_protocol::external_auth::ExternalTokens;

/// # Panics
///
/// When an unusable answer is adopted, or something changes although it is not adopted.
pub fn refresh_answer(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let supplier = PeerId(1);
    let mut state = AuthState::new(LoginPolicy::default());
    let old = r#"{"accessToken":"e30.e30.made-up","chatgptAccountId":"ws-old"}"#;
    let old = serde_json::from_str(old).expect("tokens");
    drop(state.login_external(old, supplier).expect("a login"));
    let before = state.generation();
    let Recovery::Ask(RefreshOrder::Host { ticket, .. }) = state.unauthorized(before, ()) else {
        panic!("a host is asked");
    };
    let answer = serde_json::from_str::<ExternalTokens>(text)
        .map(|tokens| HostTokens { tokens, supplier })
        .map_err(|_| RecoveryFailure::AnswerInvalid);
    let settled = state.host_refreshed(&ticket, answer).expect("it settles");
    assert_eq!(settled.waiters.len(), 1);
    assert!(!state.is_refreshing());
    let credential = state.credential().expect("somebody is signed in");
    let account_id = credential
        .chatgpt()
        .and_then(|account| account.id.as_deref());
    match settled.outcome {
        Ok(_) => {
            assert_ne!(state.generation(), before);
            assert!(account_id.is_some_and(is_identifier));
            assert!(is_bearer(credential.bearer().expose()));
        }
        Err(_) => {
            assert_eq!(state.generation(), before);
            assert_eq!(account_id, Some("ws-old"));
        }
    }
}
