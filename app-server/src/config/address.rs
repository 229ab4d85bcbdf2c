//! URLs in the configuration.

use url::Url;

use super::reader::Reader;

/// Returns the URL of the setting without surrounding white space.
pub(super) fn read(settings: &mut Reader<'_>, name: &str) -> Option<String> {
    let address = settings.string(name)?;
    let address = address.trim();
    if !is_usable(address) {
        settings.report(
            name,
            "must be an address that begins with http:// or https://",
        );
        return None;
    }
    Some(address.to_owned())
}

fn is_usable(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
