//! Interprets requests to the callback server. Only one of them ends a login: `GET /auth/callback`
//! with the CSRF state of this login, sent by a browser that was redirected here.

use byokey_protocol::secret::Secret;
use http::header::{HOST, ORIGIN, REFERER};
use http::request::Parts;
use http::{HeaderMap, Method};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::random::matches;

/// The redirect path.
pub(super) const PATH: &str = "/auth/callback";
/// The path that the browser is redirected to next, so that no code stays in its history.
pub(super) const SUCCESS_PATH: &str = "/success";

/// The meaning of a request.
#[derive(Debug)]
pub(super) enum Decision {
    /// Rejected, with this response.
    Rejected(RejectReason),
    /// The user returns from the issuer.
    Back(Callback),
    /// The success page.
    Success,
    /// Another program asks for the login to be cancelled.
    Cancel,
}

/// Why a request is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RejectReason {
    /// It is addressed to another host name, or was sent by another site's page.
    Forbidden,
    /// The method is not allowed.
    MethodNotAllowed,
    /// The path does not exist.
    NotFound,
    /// A parameter occurs twice.
    Ambiguous,
    /// The CSRF state is that of another login.
    StateMismatch,
}

/// The result of the authorization.
#[derive(Debug)]
pub(super) enum Callback {
    /// An authorization code.
    Code(Secret),
    /// A refusal, in the issuer's words.
    Denied {
        /// The error code.
        code: String,
        /// The description, for the user.
        description: String,
    },
    /// Neither a code nor an error.
    NoCode,
}

/// Interprets a request to the callback server at this port.
pub(super) fn decide(request: &Parts, port: u16, state: &Secret) -> Decision {
    let headers = &request.headers;
    if !is_for_us(request, port) || headers.contains_key(ORIGIN) {
        return Decision::Rejected(RejectReason::Forbidden);
    }
    if request.method != Method::GET {
        return Decision::Rejected(RejectReason::MethodNotAllowed);
    }
    match request.uri.path() {
        PATH => match decide_query(request.uri.query().unwrap_or_default(), state) {
            Ok(callback) => Decision::Back(callback),
            Err(reason) => Decision::Rejected(reason),
        },
        SUCCESS_PATH => Decision::Success,
        // A page in the browser must not be able to end a login; a local program can do that
        // anyway.
        "/cancel" if is_from_a_page(headers) => Decision::Rejected(RejectReason::Forbidden),
        "/cancel" => Decision::Cancel,
        _ => Decision::Rejected(RejectReason::NotFound),
    }
}

/// Interprets the query of the callback, if its CSRF state is that of the login. The comparison is
/// constant-time.
pub(super) fn decide_query(query: &str, state: &Secret) -> Result<Callback, RejectReason> {
    let [mut given, mut code, mut error, mut description] = [const { None }; 4];
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = Zeroizing::new(value.into_owned());
        let place = match &*name {
            "state" => &mut given,
            "code" => &mut code,
            "error" => &mut error,
            "error_description" => &mut description,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(RejectReason::Ambiguous);
        }
    }
    if !given.is_some_and(|given| matches(state, &given)) {
        return Err(RejectReason::StateMismatch);
    }
    Ok(match (error, code) {
        (Some(error), _) => Callback::Denied {
            code: error.to_string(),
            description: description.map_or_else(String::new, |text| text.to_string()),
        },
        (None, Some(code)) if !code.is_empty() => Callback::Code(Secret::from(code.as_str())),
        _ => Callback::NoCode,
    })
}

/// Returns whether the request names this server. Another name is one that a foreign site controls
/// (DNS rebinding).
fn is_for_us(request: &Parts, port: u16) -> bool {
    let mut hosts = request.headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let is_ours = |named: &str| {
        named
            .strip_suffix(&format!(":{port}"))
            .is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"))
    };
    let named_in_target = request.uri.authority().map(|authority| authority.as_str());
    host.to_str().is_ok_and(is_ours) && named_in_target.is_none_or(is_ours)
}

fn is_from_a_page(headers: &HeaderMap) -> bool {
    headers.contains_key(REFERER)
        || headers
            .keys()
            .any(|name| name.as_str().starts_with("sec-fetch-"))
}

#[cfg(test)]
mod tests {
    use byokey_protocol::secret::Secret;
    use http::Request;

    use super::{Callback, Decision, RejectReason, decide, decide_query};

    fn decision(method: &str, target: &str, headers: &[(&str, &str)]) -> Decision {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        decide(&parts, 1455, &Secret::from("right"))
    }

    fn rejected(method: &str, target: &str, headers: &[(&str, &str)]) -> RejectReason {
        match decision(method, target, headers) {
            Decision::Rejected(reason) => reason,
            other => panic!("{method} {target} means {other:?}"),
        }
    }

    const HOST: (&str, &str) = ("host", "localhost:1455");
    const GOOD: &str = "/auth/callback?code=made-up&state=right";

    // Row: callback 5
    #[test]
    fn the_host_has_to_be_this_server() {
        for host in ["localhost:1455", "127.0.0.1:1455", "[::1]:1455"] {
            assert!(matches!(
                decision("GET", GOOD, &[("host", host)]),
                Decision::Back(Callback::Code(_))
            ));
        }
        for host in [
            "localhost",
            "localhost:1457",
            "evil.example:1455",
            "localhost.evil.example:1455",
            "127.0.0.1.evil.example:1455",
            "evil@localhost:1455",
            "",
        ] {
            assert_eq!(
                rejected("GET", GOOD, &[("host", host)]),
                RejectReason::Forbidden,
                "{host}"
            );
        }
        assert_eq!(rejected("GET", GOOD, &[]), RejectReason::Forbidden);
        assert_eq!(
            rejected("GET", GOOD, &[HOST, HOST]),
            RejectReason::Forbidden
        );
        let elsewhere = format!("http://evil.example:1455{GOOD}");
        assert_eq!(
            rejected("GET", &elsewhere, &[HOST]),
            RejectReason::Forbidden
        );
    }

    // Row: callback 5
    #[test]
    fn pages_of_others_are_refused() {
        for origin in ["http://evil.example", "null", "http://localhost:1455"] {
            let headers = [HOST, ("origin", origin)];
            assert_eq!(rejected("GET", GOOD, &headers), RejectReason::Forbidden);
        }
        let from_page = [HOST, ("sec-fetch-site", "cross-site")];
        assert_eq!(
            rejected("GET", "/cancel", &from_page),
            RejectReason::Forbidden
        );
        let from_page = [HOST, ("referer", "http://evil.example/")];
        assert_eq!(
            rejected("GET", "/cancel", &from_page),
            RejectReason::Forbidden
        );
        assert!(matches!(
            decision("GET", "/cancel", &[HOST]),
            Decision::Cancel
        ));
    }

    // Row: callback 5
    #[test]
    fn only_get_and_only_the_known_paths() {
        for method in ["HEAD", "POST", "PUT", "OPTIONS", "DELETE"] {
            assert_eq!(
                rejected(method, GOOD, &[HOST]),
                RejectReason::MethodNotAllowed
            );
        }
        for target in [
            "/",
            "/favicon.ico",
            "/auth/callback/",
            "/AUTH/callback",
            "//auth/callback",
        ] {
            assert_eq!(
                rejected("GET", target, &[HOST]),
                RejectReason::NotFound,
                "{target}"
            );
        }
    }

    #[test]
    fn the_state_decides_before_anything_else_is_looked_at() {
        for query in [
            "",
            "code=made-up",
            "code=made-up&state=",
            "code=made-up&state=wrong",
            "code=made-up&state=right2",
            "code=made-up&state=righ",
            "error=access_denied",
            "error=access_denied&state=wrong",
        ] {
            let target = format!("/auth/callback?{query}");
            assert_eq!(
                rejected("GET", &target, &[HOST]),
                RejectReason::StateMismatch
            );
        }
    }

    // Row: callback 9
    #[test]
    fn doubled_parameters_are_refused() {
        for query in [
            "code=a&state=right&code=b",
            "code=a&state=right&state=right",
            "state=wrong&code=a&state=right",
            "state=right&error=a&error=b",
            "code=a&state=right&%63ode=b",
        ] {
            let target = format!("/auth/callback?{query}");
            assert_eq!(rejected("GET", &target, &[HOST]), RejectReason::Ambiguous);
        }
    }

    #[test]
    fn errors_and_empty_codes_are_distinguished() {
        let state = Secret::from("right");
        let denied = decide_query(
            "state=right&error=access_denied&error_description=a%20b",
            &state,
        );
        let Ok(Callback::Denied { code, description }) = denied else {
            panic!("not denied");
        };
        assert_eq!(
            (code.as_str(), description.as_str()),
            ("access_denied", "a b")
        );
        for query in ["state=right", "state=right&code="] {
            assert!(matches!(decide_query(query, &state), Ok(Callback::NoCode)));
        }
    }
}
