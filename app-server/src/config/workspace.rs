//! Where the model calls of a workspace may go: which of the origins that the backend or the host
//! names gets the token of the login.

use url::{Host, Origin, Url};

use super::reader::Reader;
use super::recipient::{CHATGPT_HOSTS, is_below_any};
use super::{CHATGPT_BASE_URL, Config, address};

/// The backend's word for no origin of its own.
const NO_CONSTRAINT: &str = "NO_CONSTRAINT";
/// Longest origin, in bytes: room for a host name of 253 characters.
const MAX_ORIGIN: usize = 300;

/// Settings of workspace routing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// Whether the routing of a workspace is looked up.
    pub is_looked_up: bool,
    /// Origins outside the backend's own domains that may get model calls.
    pub origins: Vec<Origin>,
}

/// Where the model calls of a workspace go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkspaceOrigin {
    /// To the configured backend.
    Configured,
    /// To this origin.
    At(Url),
}

/// Why an origin gets no model calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginRefusal {
    /// It is not an origin.
    #[error("the origin that was named is not scheme, host and port, like https://us.chatgpt.com")]
    NotAnOrigin,
    /// It is not encrypted.
    #[error("the origin that was named does not begin with https://")]
    NotEncrypted,
    /// It is another machine than one of the backend.
    #[error(
        "the origin that was named is not at or below the backend's own domain, and not listed in \
         `workspace_origins` in the table [byokey]"
    )]
    Foreign,
}

/// Reads `workspace_routing` and `workspace_origins` in the table `byokey`. An entry that is not
/// exactly an `https` origin is not allowed.
pub(super) fn read(settings: &mut Reader<'_>) -> WorkspaceSettings {
    let mut found = WorkspaceSettings {
        is_looked_up: true,
        origins: Vec::new(),
    };
    let names = ["workspace_routing", "workspace_origins"];
    if !names.iter().any(|name| settings.has_in("byokey", name)) {
        return found;
    }
    let Some(mut table) = settings.table("byokey") else {
        return found;
    };
    found.is_looked_up = table.boolean("workspace_routing").unwrap_or(true);
    let entries = table.strings("workspace_origins").unwrap_or_default();
    let origins = entries.iter().map(|entry| encrypted_origin(entry));
    match origins.collect() {
        Some(origins) => found.origins = origins,
        None => table.report(
            "workspace_origins",
            "must list origins like \"https://workspace.example:8443\": scheme, host and port, \
             nothing else",
        ),
    }
    found
}

fn encrypted_origin(entry: &str) -> Option<Origin> {
    let url = address::origin(entry)?;
    (url.scheme() == "https").then(|| url.origin())
}

impl Config {
    /// Returns where model calls go that are routed to this origin. It gets the token of the login,
    /// so it counts only if it is
    ///
    /// - the origin of `chatgpt_base_url`, the default one, or `NO_CONSTRAINT`: nothing changes;
    /// - listed in `workspace_origins`;
    /// - `https` on the usual port, and at or below the backend's own domains: those of ChatGPT, or
    ///   the host of a `chatgpt_base_url` elsewhere.
    ///
    /// # Errors
    ///
    /// [`OriginRefusal`], without the origin: it comes from outside.
    pub fn workspace_origin(&self, named: &str) -> Result<WorkspaceOrigin, OriginRefusal> {
        if named == NO_CONSTRAINT {
            return Ok(WorkspaceOrigin::Configured);
        }
        let is_plain = named.len() <= MAX_ORIGIN && named.bytes().all(|it| it.is_ascii_graphic());
        let url = address::origin(named).filter(|_| is_plain);
        let url = url.ok_or(OriginRefusal::NotAnOrigin)?;
        let base = Url::parse(&self.chatgpt_base_url).ok();
        let default = Url::parse(CHATGPT_BASE_URL).ok();
        let is_same = |other: &Option<Url>| {
            let other = other.as_ref();
            other.is_some_and(|other| other.origin() == url.origin())
        };
        if is_same(&base) || is_same(&default) {
            return Ok(WorkspaceOrigin::Configured);
        }
        if url.scheme() != "https" {
            return Err(OriginRefusal::NotEncrypted);
        }
        let is_listed = self.workspace.origins.contains(&url.origin());
        if is_listed || is_own(&url, base.as_ref()) {
            return Ok(WorkspaceOrigin::At(url));
        }
        Err(OriginRefusal::Foreign)
    }
}

/// Returns whether an origin is at or below the domains of the backend at `base`.
fn is_own(url: &Url, base: Option<&Url>) -> bool {
    let (Some(host), None) = (domain(url), url.port()) else {
        return false;
    };
    let base_host = base.and_then(domain);
    let is_public = base_host.is_some_and(|base| is_below_any(base, &CHATGPT_HOSTS));
    if is_public {
        return is_below_any(host, &CHATGPT_HOSTS);
    }
    // Plain text, or another port, says nothing about the machines below that name.
    let is_usual = base.is_some_and(|base| base.scheme() == "https" && base.port().is_none());
    let own = base_host.filter(|_| is_usual);
    own.is_some_and(|own| is_below_any(host, &[own]))
}

/// Returns the name of the host, unless it is an address, or written with an empty part.
fn domain(url: &Url) -> Option<&str> {
    match url.host()? {
        Host::Domain(name) => Some(name).filter(|name| name.split('.').all(|it| !it.is_empty())),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Environment, Overrides};
    use super::OriginRefusal::{Foreign, NotAnOrigin, NotEncrypted};
    use super::{OriginRefusal, WorkspaceOrigin};

    fn config(settings: &[&str]) -> Config {
        let overrides = Overrides {
            settings: settings.iter().map(|it| (*it).to_owned()).collect(),
            ..Overrides::default()
        };
        Config::load(
            &Environment::of([("CODEX_HOME", "/nonexistent")]),
            &overrides,
        )
    }

    /// Returns where model calls go; an empty text is the configured backend.
    fn origin(config: &Config, named: &str) -> Result<String, OriginRefusal> {
        config.workspace_origin(named).map(|origin| match origin {
            WorkspaceOrigin::Configured => String::new(),
            WorkspaceOrigin::At(url) => url.origin().ascii_serialization(),
        })
    }

    #[test]
    fn an_origin_counts_if_it_is_encrypted_and_one_of_the_backend() {
        let config = config(&[]);
        let same = |text: &str| Ok(text.to_owned());
        let long = format!("https://{}chatgpt.com", "a.".repeat(150));
        for (named, expected) in [
            ("https://us.chatgpt.com", same("https://us.chatgpt.com")),
            ("HTTPS://US.ChatGPT.com/", same("https://us.chatgpt.com")),
            ("https://us.chatgpt.com:443", same("https://us.chatgpt.com")),
            ("https://a.b.chatgpt.com", same("https://a.b.chatgpt.com")),
            ("https://gov.chatgpt.com", same("https://gov.chatgpt.com")),
            ("https://chat.openai.com", same("https://chat.openai.com")),
            (
                "https://xn--bcher-kva.chatgpt.com",
                same("https://xn--bcher-kva.chatgpt.com"),
            ),
            // Nothing to change.
            ("https://chatgpt.com", same("")),
            ("https://chatgpt.com/", same("")),
            ("NO_CONSTRAINT", same("")),
            // Suffixes and prefixes.
            ("https://evilchatgpt.com", Err(Foreign)),
            ("https://chatgpt.com.evil.example", Err(Foreign)),
            ("https://us-chatgpt.com", Err(Foreign)),
            ("https://chatgpt.co", Err(Foreign)),
            ("https://com", Err(Foreign)),
            ("https://evil.example", Err(Foreign)),
            ("https://api.openai.com", Err(Foreign)),
            // Written oddly.
            ("https://us.chatgpt.com.", Err(Foreign)),
            ("https://.chatgpt.com", Err(Foreign)),
            ("https://us..chatgpt.com", Err(Foreign)),
            ("https://us.chatgpt.com:8443", Err(Foreign)),
            ("https://us.chatgpt.com:80", Err(Foreign)),
            ("https://us.chatgpt.com:99999", Err(NotAnOrigin)),
            ("https://b\u{fc}cher.chatgpt.com", Err(NotAnOrigin)),
            ("https://\u{ff43}hatgpt.com", Err(NotAnOrigin)),
            ("https://evil\u{3002}chatgpt.com", Err(NotAnOrigin)),
            ("https://us.chatgpt.com\n", Err(NotAnOrigin)),
            ("https://us.chat\tgpt.com", Err(NotAnOrigin)),
            (" https://us.chatgpt.com", Err(NotAnOrigin)),
            // More than an origin, or less.
            ("https://us.chatgpt.com/x", Err(NotAnOrigin)),
            ("https://us.chatgpt.com/backend-api", Err(NotAnOrigin)),
            ("https://us.chatgpt.com?x", Err(NotAnOrigin)),
            ("https://us.chatgpt.com#x", Err(NotAnOrigin)),
            ("https://evil.example#.chatgpt.com", Err(NotAnOrigin)),
            ("https://evil.example/.chatgpt.com", Err(NotAnOrigin)),
            ("https://evil.example\\.chatgpt.com", Err(NotAnOrigin)),
            ("https://user:made-up@us.chatgpt.com", Err(NotAnOrigin)),
            ("https://us.chatgpt.com@evil.example", Err(NotAnOrigin)),
            ("https://@us.chatgpt.com", Err(NotAnOrigin)),
            ("https://*.chatgpt.com", Err(NotAnOrigin)),
            ("us.chatgpt.com", Err(NotAnOrigin)),
            ("//us.chatgpt.com", Err(NotAnOrigin)),
            ("https://", Err(NotAnOrigin)),
            ("no_constraint", Err(NotAnOrigin)),
            ("", Err(NotAnOrigin)),
            (&long, Err(NotAnOrigin)),
            // Not encrypted, or not over HTTP.
            ("http://us.chatgpt.com", Err(NotEncrypted)),
            ("http://chatgpt.com", Err(NotEncrypted)),
            ("http://127.0.0.1:9", Err(NotEncrypted)),
            ("wss://us.chatgpt.com", Err(NotAnOrigin)),
            ("file:///us.chatgpt.com", Err(NotAnOrigin)),
            // Addresses.
            ("https://127.0.0.1", Err(Foreign)),
            ("https://1", Err(Foreign)),
            ("https://[::1]", Err(Foreign)),
            ("https://[::ffff:1.2.3.4]", Err(Foreign)),
        ] {
            assert_eq!(origin(&config, named), expected, "{named:?}");
        }
    }

    #[test]
    fn a_backend_elsewhere_has_its_own_domain() {
        let proxy = config(&["chatgpt_base_url=https://llm.corp.example/backend-api"]);
        let same = |text: &str| Ok(text.to_owned());
        for (named, expected) in [
            ("https://llm.corp.example", same("")),
            ("https://chatgpt.com", same("")),
            (
                "https://us.llm.corp.example",
                same("https://us.llm.corp.example"),
            ),
            ("https://corp.example", Err(Foreign)),
            ("https://us.corp.example", Err(Foreign)),
            ("https://llm.corp.example:8443", Err(Foreign)),
            // What the user set is not left for what the answer says.
            ("https://us.chatgpt.com", Err(Foreign)),
        ] {
            assert_eq!(origin(&proxy, named), expected, "{named}");
        }
        let gov = config(&["chatgpt_base_url=https://gov.chatgpt.com/backend-api"]);
        assert_eq!(
            origin(&gov, "https://us.chatgpt.com"),
            same("https://us.chatgpt.com")
        );
        let plain = config(&["chatgpt_base_url=http://localhost:9/backend-api"]);
        assert_eq!(origin(&plain, "http://localhost:9"), same(""));
        assert_eq!(origin(&plain, "https://us.localhost"), Err(Foreign));
        assert_eq!(origin(&plain, "http://localhost:8"), Err(NotEncrypted));
    }

    #[test]
    fn the_user_may_list_origins() {
        let list = "byokey.workspace_origins=[\"https://127.0.0.1:8443\", \
                    \"https://B\u{fc}cher.example/\"]";
        let listed = config(&[list]);
        let same = |text: &str| Ok(text.to_owned());
        for (named, expected) in [
            ("https://127.0.0.1:8443", same("https://127.0.0.1:8443")),
            (
                "https://xn--bcher-kva.example",
                same("https://xn--bcher-kva.example"),
            ),
            ("https://127.0.0.1:8444", Err(Foreign)),
            ("https://127.0.0.1", Err(Foreign)),
            ("https://us.xn--bcher-kva.example", Err(Foreign)),
            ("http://127.0.0.1:8443", Err(NotEncrypted)),
            ("https://us.chatgpt.com", same("https://us.chatgpt.com")),
        ] {
            assert_eq!(origin(&listed, named), expected, "{named}");
        }
        assert!(listed.stopped().next().is_none());
        for bad in [
            "[\"http://workspace.example\"]",
            "[\"https://workspace.example/x\"]",
            "[\"workspace.example\"]",
            "[\"https://*.example\"]",
            "7",
        ] {
            let config = config(&[&format!("byokey.workspace_origins={bad}")]);
            let stopped: Vec<_> = config.stopped().collect();
            assert_eq!(stopped.len(), 1, "{bad}: {stopped:?}");
            assert!(config.workspace.origins.is_empty());
        }
        assert!(config(&[]).workspace.is_looked_up);
        assert!(
            !config(&["byokey.workspace_routing=false"])
                .workspace
                .is_looked_up
        );
    }
}
