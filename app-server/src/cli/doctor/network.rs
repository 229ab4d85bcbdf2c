//! The way out, without taking it: where calls go, through which proxy, and which certificate
//! authorities are trusted.

use byokey_app_server::backend::{Destination, destinations};
use byokey_app_server::config::Config;
use byokey_http::{HttpFailure, RootsFailure, Sensitivity};
use url::Url;

use super::finding::Finding;

/// What is known of the way out.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) routes: Vec<Route>,
    /// Where the trusted certificate authorities come from.
    roots: Result<String, RootsFailure>,
}

/// The way to one destination.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) what: &'static str,
    pub(super) url: Result<Url, String>,
    /// The variable that names the proxy; none for a direct connection.
    pub(super) proxy: Result<Option<&'static str>, HttpFailure>,
}

impl Facts {
    pub(super) fn gather(config: &Config, is_chatgpt: bool) -> Self {
        let issuer = config.issuer.issuer.url();
        let issuer = Destination {
            what: "the issuer",
            url: issuer.cloned().map_err(|setting| {
                format!("{setting} must be an https:// address, or one of this machine")
            }),
            sensitivity: Sensitivity::Login,
        };
        let mut all = destinations(config, is_chatgpt);
        all.push(issuer);
        let route = |it: Destination| Route {
            what: it.what,
            proxy: it.url.as_ref().map_or(Ok(None), |url| {
                let proxy = config.network.route(url, it.sensitivity);
                proxy.map(|proxy| proxy.map(|proxy| proxy.named_by()))
            }),
            url: it.url,
        };
        Self {
            routes: all.into_iter().map(route).collect(),
            roots: config.network.roots.examine(),
        }
    }
}

/// Returns the host of an address, with its port unless it is the scheme's.
pub(super) fn host(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}"));
    format!(
        "{}://{}{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        port.unwrap_or_default()
    )
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<_> = facts.routes.iter().map(route).collect();
    findings.push(roots(&facts.roots));
    findings
}

fn route(route: &Route) -> Finding {
    let what = route.what;
    let url = match &route.url {
        Ok(url) => host(url),
        Err(problem) => {
            return Finding::failure("network.route", format!("{what} has no address: {problem}"));
        }
    };
    match &route.proxy {
        Ok(None) => Finding::ok("network.route", format!("{what}, {url}: directly")),
        Ok(Some(variable)) => Finding::ok(
            "network.route",
            format!("{what}, {url}: through the proxy of {variable}"),
        ),
        Err(failure) => {
            let text = format!("{what}, {url}: {}", failure.describe(what));
            let finding = Finding::failure("network.route", text);
            match failure {
                HttpFailure::Proxy(failure) => {
                    finding.mend(format!("unset {}", failure.named_by()))
                }
                _ => finding,
            }
        }
    }
}

fn roots(roots: &Result<String, RootsFailure>) -> Finding {
    match roots {
        Ok(origin) => Finding::ok(
            "network.roots",
            format!("trusted certificate authorities: {origin}"),
        ),
        Err(failure) => {
            let finding = Finding::failure("network.roots", failure.to_string());
            finding.mend(match failure.variable() {
                Some(variable) => format!("unset {variable}"),
                None => "sudo apt-get install ca-certificates   # or your system's package of them"
                    .to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use byokey_app_server::config::{Config, Environment, Overrides};

    use super::super::finding::Level;
    use super::{Facts, check};

    fn found(variables: [(&str, &str); 2]) -> Vec<(Level, String, String)> {
        let config = Config::load(&Environment::of(variables), &Overrides::default());
        let findings = check(&Facts::gather(&config, true)).into_iter();
        let findings = findings.filter(|it| it.id == "network.route");
        findings
            .map(|it| (it.level, it.text, it.mend.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn each_destination_has_its_way_or_the_variable_that_stops_it() {
        let direct = found([("NO_PROXY", "*"), ("HTTPS_PROXY", "nonsense://x")]);
        assert_eq!(direct.len(), 3);
        assert!(direct.iter().all(|(level, ..)| *level == Level::Ok));
        assert_eq!(
            direct[0].1,
            "the ChatGPT backend, https://chatgpt.com: directly"
        );
        let through = found([("HTTPS_PROXY", "http://ada:made-up@p.example"), ("A", "")]);
        assert!(through.iter().all(|(_, text, _)| {
            text.ends_with("through the proxy of HTTPS_PROXY") && !text.contains("made-up")
        }));
        for (level, text, mend) in found([("ALL_PROXY", "nonsense://made-up"), ("A", "")]) {
            assert_eq!((level, &*mend), (Level::Failure, "unset ALL_PROXY"));
            assert!(!text.contains("made-up"), "{text}");
        }
        let issuer = found([
            ("CODEX_APP_SERVER_LOGIN_ISSUER", "http://a.example"),
            ("A", ""),
        ]);
        assert_eq!(issuer[2].0, Level::Failure);
        assert!(issuer[2].1.contains("CODEX_APP_SERVER_LOGIN_ISSUER"));
    }
}
