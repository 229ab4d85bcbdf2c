//! Network settings: proxies and certificate authorities.

use byokey_http::{Proxies, RootSettings, Settings};
use url::Origin;

use super::environment::Environment;

pub(super) fn read(environment: &Environment, plaintext_origins: &[Origin]) -> Settings {
    let variable = |name: &str| environment.get_os(name).map(ToOwned::to_owned);
    Settings {
        proxies: Proxies::read(variable),
        roots: RootSettings::read(variable),
        plaintext_origins: plaintext_origins.to_vec(),
    }
}
