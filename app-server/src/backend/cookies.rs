//! Cookies of Cloudflare, in front of the backend: with them, its checks admit later calls of the
//! same client.
//!
//! Only these cookies are stored, in memory, for the account to which they were sent. They are
//! returned only to the origin that set them, encrypted or within this machine.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use byokey_auth::AccountIdentity;
use byokey_http::is_loopback;
use cookie::{Cookie, Expiration};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use url::{Origin, Url};

use super::limits::{MAX_COOKIE, MAX_COOKIES};
use crate::config::{CHATGPT_HOSTS, is_below_any};

/// Names of stored cookies: codex's list, which follows Cloudflare's documentation.
const NAMES: [&str; 9] = [
    "__cf_bm",
    "__cflb",
    "__cfruid",
    "__cfseq",
    "__cfwaitingroom",
    "_cfuvid",
    "cf_clearance",
    "cf_ob_info",
    "cf_use_ob",
];

/// The prefix of further names.
const PREFIX: &str = "cf_chl_";

/// The cookies of the account in force.
#[derive(Debug, Default)]
pub(crate) struct Cookies {
    jar: Mutex<Option<Jar>>,
}

#[derive(Debug)]
struct Jar {
    account: AccountIdentity,
    cookies: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    origin: Origin,
    name: String,
    value: String,
    expires_at: Option<SystemTime>,
}

impl Cookies {
    /// Returns the header with the cookies of this account for this URL.
    pub(crate) fn header(&self, account: &AccountIdentity, url: &Url) -> Option<HeaderValue> {
        if !is_eligible(url) {
            return None;
        }
        let mut jar = self.jar();
        let jar = jar.as_mut().filter(|jar| jar.account.is_same(account))?;
        let now = SystemTime::now();
        jar.cookies.retain(|cookie| !cookie.is_over(now));
        let origin = url.origin();
        let pairs: Vec<_> = jar
            .cookies
            .iter()
            .filter(|cookie| cookie.origin == origin)
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        let mut header = HeaderValue::from_str(&pairs.join("; ")).ok()?;
        header.set_sensitive(true);
        (!pairs.is_empty()).then_some(header)
    }

    /// The account in force is this one now. The cookies of another are dropped.
    pub(crate) fn follow(&self, account: Option<&AccountIdentity>) {
        let mut slot = self.jar();
        let of = slot.as_ref().map(|jar| &jar.account);
        if !AccountIdentity::are_same(of, account) {
            *slot = account.map(|account| Jar {
                account: account.clone(),
                cookies: Vec::new(),
            });
        }
    }

    /// Stores the cookies of a response to a call for this account, if it is the one in force.
    /// Returns whether one of them is new.
    pub(crate) fn store(&self, account: &AccountIdentity, url: &Url, headers: &HeaderMap) -> bool {
        if !is_eligible(url) || !headers.contains_key(SET_COOKIE) {
            return false;
        }
        let mut slot = self.jar();
        let Some(jar) = slot.as_mut().filter(|jar| jar.account.is_same(account)) else {
            return false;
        };
        let mut is_new = false;
        for header in headers.get_all(SET_COOKIE) {
            if header.len() <= MAX_COOKIE
                && let Ok(text) = header.to_str()
                && let Ok(cookie) = Cookie::parse(text)
            {
                is_new |= jar.add(&cookie, url);
            }
        }
        is_new
    }

    fn jar(&self) -> MutexGuard<'_, Option<Jar>> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Jar {
    /// Adds, replaces or removes a cookie. Returns whether its value is new.
    fn add(&mut self, cookie: &Cookie<'_>, url: &Url) -> bool {
        let (name, value) = cookie.name_value();
        if !is_known(name) || !is_sendable(value) || !is_for(cookie.domain(), url) {
            return false;
        }
        let origin = url.origin();
        let is_it = |stored: &Stored| stored.origin == origin && stored.name == name;
        let before = self.cookies.iter().position(is_it);
        let before = before.map(|at| self.cookies.remove(at));
        let now = SystemTime::now();
        let stored = Stored {
            origin,
            name: name.to_owned(),
            value: value.to_owned(),
            expires_at: expires_at(cookie, now),
        };
        if stored.is_over(now) {
            return false;
        }
        let is_new = before.is_none_or(|before| before.value != stored.value);
        if self.cookies.len() == MAX_COOKIES {
            self.cookies.remove(0);
        }
        self.cookies.push(stored);
        is_new
    }
}

impl Stored {
    fn is_over(&self, now: SystemTime) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// Returns whether cookies of this URL are stored. On loopback they are, encrypted or not, so that
/// the loopback backend behaves as the real one.
fn is_eligible(url: &Url) -> bool {
    let is_listed = |host: &str| is_below_any(host, &CHATGPT_HOSTS);
    is_loopback(url) || url.scheme() == "https" && url.host_str().is_some_and(is_listed)
}

/// Returns whether a cookie with this attribute `Domain` may be set by this URL.
fn is_for(domain: Option<&str>, url: &Url) -> bool {
    let Some(domain) = domain.map(|domain| domain.trim_start_matches('.')) else {
        return true;
    };
    let domain = domain.to_ascii_lowercase();
    url.host_str()
        .is_some_and(|host| is_below_any(host, &[&domain]))
}

fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
        || name.starts_with(PREFIX) && name.bytes().all(|it| it.is_ascii_graphic())
}

/// The octets of a value (RFC 6265 section 4.1.1), quotes included.
fn is_sendable(value: &str) -> bool {
    let is_octet = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b',' | b';' | b'\\');
    value.bytes().all(is_octet)
}

/// `Max-Age` takes precedence over `Expires` (RFC 6265 section 5.3).
fn expires_at(cookie: &Cookie<'_>, now: SystemTime) -> Option<SystemTime> {
    if let Some(age) = cookie.max_age() {
        let age = Duration::try_from(age).unwrap_or(Duration::ZERO);
        return now.checked_add(age);
    }
    match cookie.expires() {
        Some(Expiration::DateTime(at)) => Some(at.into()),
        Some(Expiration::Session) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn jar() -> Jar {
        Jar {
            account: AccountIdentity::ApiKey([0; 32]),
            cookies: Vec::new(),
        }
    }

    fn add(jar: &mut Jar, text: &str) -> bool {
        jar.add(&Cookie::parse(text).unwrap(), &url("https://chatgpt.com/x"))
    }

    #[test]
    fn cookies_of_other_names_and_domains_are_not_stored() {
        let mut jar = jar();
        for text in [
            "__Secure-next-auth.session-token=made-up",
            "oai-did=made-up",
            "__cf_bmx=made-up",
            "__cf_bm=made up",
            "__cf_bm=x; Domain=example.com",
            "__cf_bm=x; Domain=gpt.com",
            "__cf_bm=x; Max-Age=0",
            "__cf_bm=x; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
        ] {
            assert!(!add(&mut jar, text), "{text}");
        }
        assert!(jar.cookies.is_empty());
        for name in NAMES.iter().chain(&["cf_chl_rc_ni"]) {
            assert!(
                add(&mut jar, &format!("{name}=x; Domain=.chatgpt.com; Secure")),
                "{name}"
            );
        }
        assert_eq!(jar.cookies.len(), NAMES.len() + 1);
    }

    #[test]
    fn a_cookie_is_replaced_and_removed_and_their_number_is_limited() {
        let mut jar = jar();
        assert!(add(&mut jar, "__cf_bm=a"));
        assert!(!add(&mut jar, "__cf_bm=a"), "the same again is nothing new");
        assert!(add(&mut jar, "__cf_bm=b; Max-Age=60"));
        assert_eq!(jar.cookies.len(), 1);
        assert!(!add(&mut jar, "__cf_bm=b; Max-Age=-5"));
        assert!(jar.cookies.is_empty());
        for number in 0..100 {
            add(&mut jar, &format!("cf_chl_{number}=x"));
        }
        assert_eq!(jar.cookies.len(), MAX_COOKIES);
    }

    #[test]
    fn they_are_of_the_backend_and_encrypted_or_of_this_machine() {
        for (address, is_stored) in [
            ("https://chatgpt.com/", true),
            ("https://gov.chatgpt.com/", true),
            ("https://chat.openai.com/", true),
            ("https://chatgpt-staging.com/", true),
            ("http://127.0.0.1:1/", true),
            ("http://chatgpt.com/", false),
            ("https://notchatgpt.com/", false),
            ("https://chatgpt.com.example/", false),
            ("https://api.openai.com/", false),
            ("https://auth.openai.com/", false),
        ] {
            assert_eq!(is_eligible(&url(address)), is_stored, "{address}");
        }
    }
}
