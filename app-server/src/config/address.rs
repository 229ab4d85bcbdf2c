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

/// Parses an exact origin: scheme, host and port, no path, no query, no user, no pattern.
pub(super) fn origin(entry: &str) -> Option<Url> {
    let entry = entry.trim();
    let url = Url::parse(entry).ok()?;
    let is_bare = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && !entry.contains(['@', '*', '\\']);
    is_bare.then_some(url)
}

fn is_usable(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
