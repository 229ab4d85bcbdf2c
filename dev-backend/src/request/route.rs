//! Routes of requests.

use std::fmt;

use hyper::Method;

/// The route of a request, identified by its method and the end of its path.
///
/// Only the end counts, so the base URL may carry any prefix (`/v1`, `/backend-api/codex`, …). The
/// routes of the issuer are distinguished from those of the backend by that end too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// `GET …/wham/accounts/check`: the workspaces of the login.
    AccountsCheck,
    /// `GET …/oauth/authorize`: the issuer's authorization page.
    Authorize,
    /// `POST …/rate-limit-reset-credits/consume`: spends a credit to reset a rate limit.
    ConsumeResetCredit,
    /// `POST …/deviceauth/usercode`: starts a login on another device.
    DeviceCode,
    /// `GET …/codex/device`: the issuer's page for entering its code.
    DevicePage,
    /// `POST …/deviceauth/token`: polls whether its code was entered.
    DevicePoll,
    /// `GET …/models`: the available models.
    Models,
    /// `GET …/wham/profiles/me` or `GET …/api/codex/profiles/me`: token usage over time.
    Profile,
    /// `GET …/wham/rate-limit-reset-credits`: credits that reset a rate limit.
    ResetCredits,
    /// `POST …/responses`: one streamed response of a model.
    Responses,
    /// `POST …/oauth/revoke`: revokes a login.
    Revoke,
    /// `POST …/oauth/token`: exchanges a code or a refresh token for tokens.
    Token,
    /// `GET …/wham/usage` or `GET …/codex/usage`: rate limits and credits.
    Usage,
    /// `GET …/user-auth-credential/whoami`: the owner of a personal access token.
    Whoami,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 14] = [
        Self::AccountsCheck,
        Self::Authorize,
        Self::ConsumeResetCredit,
        Self::DeviceCode,
        Self::DevicePage,
        Self::DevicePoll,
        Self::Models,
        Self::Profile,
        Self::ResetCredits,
        Self::Responses,
        Self::Revoke,
        Self::Token,
        Self::Usage,
        Self::Whoami,
    ];

    /// Returns the route's name in scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccountsCheck => "accountsCheck",
            Self::Authorize => "authorize",
            Self::ConsumeResetCredit => "consumeResetCredit",
            Self::DeviceCode => "deviceCode",
            Self::DevicePage => "devicePage",
            Self::DevicePoll => "devicePoll",
            Self::Models => "models",
            Self::Profile => "profile",
            Self::ResetCredits => "resetCredits",
            Self::Responses => "responses",
            Self::Revoke => "revoke",
            Self::Token => "token",
            Self::Usage => "usage",
            Self::Whoami => "whoami",
        }
    }

    /// Returns the route with this name in scripts.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.name() == name)
    }

    /// Returns the route of a request; `path` comes without the query.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| {
            *method == route.method() && route.endings().iter().any(|end| path.ends_with(end))
        })
    }

    /// Returns whether a request needs a bearer. The issuer is called before there is one.
    pub(crate) const fn needs_bearer(self) -> bool {
        !matches!(
            self,
            Self::Authorize
                | Self::DeviceCode
                | Self::DevicePage
                | Self::DevicePoll
                | Self::Revoke
                | Self::Token
        )
    }

    const fn method(self) -> Method {
        match self {
            Self::ConsumeResetCredit
            | Self::DeviceCode
            | Self::DevicePoll
            | Self::Responses
            | Self::Revoke
            | Self::Token => Method::POST,
            Self::AccountsCheck
            | Self::Authorize
            | Self::DevicePage
            | Self::Models
            | Self::Profile
            | Self::ResetCredits
            | Self::Usage
            | Self::Whoami => Method::GET,
        }
    }

    const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::AccountsCheck => &["/wham/accounts/check"],
            Self::Authorize => &["/oauth/authorize"],
            Self::ConsumeResetCredit => &["/rate-limit-reset-credits/consume"],
            Self::DeviceCode => &["/deviceauth/usercode"],
            Self::DevicePage => &["/codex/device"],
            Self::DevicePoll => &["/deviceauth/token"],
            Self::Models => &["/models"],
            Self::Profile => &["/wham/profiles/me", "/api/codex/profiles/me"],
            Self::ResetCredits => &["/rate-limit-reset-credits"],
            Self::Responses => &["/responses"],
            Self::Revoke => &["/oauth/revoke"],
            Self::Token => &["/oauth/token"],
            Self::Usage => &["/wham/usage", "/codex/usage"],
            Self::Whoami => &["/user-auth-credential/whoami"],
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
