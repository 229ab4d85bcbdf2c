//! Network settings: proxies, certificate authorities, standby connections.

use byokey_http::{Proxies, RootSettings, STANDBY_LIFETIME, Settings};
use url::Origin;

use super::environment::Environment;
use super::reader::Reader;

pub(super) fn read(
    settings: &mut Reader<'_>,
    environment: &Environment,
    plaintext_origins: &[Origin],
) -> Settings {
    // A table that is none has been reported by then.
    let is_set = settings.has_in("byokey", "standby_connections");
    let table = is_set.then(|| settings.table("byokey")).flatten();
    let standby = table.and_then(|mut table| table.boolean("standby_connections"));
    let variable = |name: &str| environment.get_os(name).map(ToOwned::to_owned);
    Settings {
        proxies: Proxies::read(variable),
        roots: RootSettings::read(variable),
        plaintext_origins: plaintext_origins.to_vec(),
        standby: standby.unwrap_or(true).then_some(STANDBY_LIFETIME),
    }
}
