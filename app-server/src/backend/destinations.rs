//! Where calls go, for a user that looks for a mistake: the addresses that `route` decides on.

use byokey_http::Sensitivity;
use url::Url;

use super::route::{Carries, account_base, model_base};
use crate::config::{Config, Stops};

/// Where one kind of call goes.
#[derive(Debug)]
pub struct Destination {
    /// What is there, for people.
    pub what: &'static str,
    /// Its base address, or why there is none.
    pub url: Result<Url, String>,
    /// The most sensitive part of the calls.
    pub sensitivity: Sensitivity,
}

/// Returns where the calls for a login go, which is that of a ChatGPT account or not.
#[must_use]
pub fn destinations(config: &Config, is_chatgpt: bool) -> Vec<Destination> {
    let mut found = Vec::new();
    if is_chatgpt {
        let base = config.check(Stops::ChatgptCalls);
        let base = base.map(|()| account_base(&config.chatgpt_base_url));
        found.push(Destination {
            what: "the ChatGPT backend",
            url: parsed(base, "chatgpt_base_url"),
            sensitivity: Sensitivity::Login,
        });
    }
    let carries = Carries::of(&config.provider, None);
    let base = config.check(Stops::ModelCalls);
    // A ChatGPT account counts only where the request carries it.
    let is_chatgpt = is_chatgpt && carries == Carries::Credential;
    let base = base.and_then(|()| model_base(config, is_chatgpt));
    found.push(Destination {
        what: "the model provider",
        url: parsed(base, "base_url"),
        sensitivity: carries.sensitivity(),
    });
    found
}

fn parsed<E: ToString>(base: Result<String, E>, setting: &str) -> Result<Url, String> {
    let base = base.map_err(|problem| problem.to_string())?;
    let url = Url::parse(&base).ok().filter(Url::has_host);
    url.ok_or_else(|| format!("the address in `{setting}` cannot be used"))
}
