//! Admission by bearer.

use crate::support::*;
use byokey_dev_backend::Route;
use serde_json::json;

#[tokio::test]
async fn without_a_bearer_every_route_says_401() {
    let backend = start();
    for path in [USAGE, MODELS, PROFILE, ACCOUNTS] {
        let answer = call(&backend, get(path, None)).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.json(), json!({"detail": "Unauthorized"}), "{path}");
    }
    for authorization in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer "] {
        let mut request = get(USAGE, None);
        request
            .headers_mut()
            .insert("authorization", authorization.parse().unwrap());
        assert_eq!(call(&backend, request).await.status, 401, "{authorization}");
    }
}

#[tokio::test]
async fn a_rejected_bearer_is_refused_before_the_script_is_asked() {
    let backend = start_with(json!({"routes": {"usage": [{"status": 500}]},
                                    "rejectedBearers": ["old"]}));
    assert_eq!(call(&backend, get(USAGE, Some("old"))).await.status, 401);
    assert_eq!(call(&backend, get(USAGE, Some("new"))).await.status, 500);
    backend.reject_bearer("new");
    backend.accept_bearer("old");
    assert_eq!(call(&backend, get(USAGE, Some("new"))).await.status, 401);
    assert_eq!(call(&backend, get(USAGE, Some("old"))).await.status, 200);
    assert_eq!(backend.count(Route::Usage), 4);
}

#[tokio::test]
async fn each_bearer_wears_out() {
    let backend = start_with(json!({"expireAfter": 2}));
    for bearer in ["first", "second"] {
        // Counted over all routes.
        assert_eq!(call(&backend, get(USAGE, Some(bearer))).await.status, 200);
        assert_eq!(call(&backend, get(MODELS, Some(bearer))).await.status, 200);
        assert_eq!(call(&backend, get(USAGE, Some(bearer))).await.status, 401);
    }
    backend.accept_bearer("first");
    assert_eq!(call(&backend, get(USAGE, Some("first"))).await.status, 200);
}
