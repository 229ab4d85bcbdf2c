//! Which request is which.

use std::fmt;

use hyper::Method;

/// What a request asks for, known by its method and the end of its path.
///
/// Only the end counts, so the base URL may carry any prefix (`/v1`, `/backend-api/codex`, …).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// `GET …/wham/accounts/check`: the workspaces of the login.
    AccountsCheck,
    /// `GET …/models`: the models on offer.
    Models,
    /// `GET …/wham/profiles/me` or `GET …/api/codex/profiles/me`: token usage over time.
    Profile,
    /// `POST …/responses`: one answer of a model, streamed.
    Responses,
    /// `GET …/wham/usage` or `GET …/api/codex/usage`: rate limits and credits.
    Usage,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 5] = [
        Self::AccountsCheck,
        Self::Models,
        Self::Profile,
        Self::Responses,
        Self::Usage,
    ];

    /// The route's name in a script.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountsCheck => "accountsCheck",
            Self::Models => "models",
            Self::Profile => "profile",
            Self::Responses => "responses",
            Self::Usage => "usage",
        }
    }

    /// The route with this name in a script.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.name() == name)
    }

    /// The route of a request; `path` comes without the query.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| {
            *method == route.method() && route.endings().iter().any(|end| path.ends_with(end))
        })
    }

    const fn method(self) -> Method {
        match self {
            Self::Responses => Method::POST,
            Self::AccountsCheck | Self::Models | Self::Profile | Self::Usage => Method::GET,
        }
    }

    const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::AccountsCheck => &["/wham/accounts/check"],
            Self::Models => &["/models"],
            Self::Profile => &["/wham/profiles/me", "/api/codex/profiles/me"],
            Self::Responses => &["/responses"],
            Self::Usage => &["/wham/usage", "/api/codex/usage"],
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_the_path_and_the_method_count() {
        let cases = [
            (Method::POST, "/v1/responses", Some(Route::Responses)),
            (Method::POST, "/responses", Some(Route::Responses)),
            (Method::GET, "/v1/responses", None),
            (Method::POST, "/v1/responses/compact", None),
            (Method::POST, "/v1/noresponses", None),
            (Method::GET, "/backend-api/wham/usage", Some(Route::Usage)),
            (Method::GET, "/api/codex/usage", Some(Route::Usage)),
            (Method::GET, "/usage", None),
            (Method::GET, "/api/codex/profiles/me", Some(Route::Profile)),
            (
                Method::GET,
                "/backend-api/codex/models",
                Some(Route::Models),
            ),
            (
                Method::GET,
                "/backend-api/wham/accounts/check",
                Some(Route::AccountsCheck),
            ),
        ];
        for (method, path, expected) in cases {
            assert_eq!(Route::of(&method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn each_name_leads_back_to_its_route() {
        for route in Route::ALL {
            assert_eq!(Route::named(route.name()), Some(route));
        }
    }
}
