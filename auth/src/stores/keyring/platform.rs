//! The keyring of this system. Its error texts are not repeated.
//!
//! Only the Secret Service was ever run. The code for macOS was compiled; the code for Windows was
//! run under Wine.

use zeroize::Zeroizing;

/// The content of an entry.
pub(super) type Text = Zeroizing<Vec<u8>>;

#[cfg(all(
    any(target_os = "linux", target_os = "macos", windows),
    feature = "keyring"
))]
mod system {
    #[cfg(target_os = "macos")]
    use apple_native_keyring_store::keychain::Store;
    use keyring_core::api::CredentialStoreApi as _;
    use keyring_core::{Entry, Error};
    #[cfg(windows)]
    use windows_native_keyring_store::Store;
    #[cfg(target_os = "linux")]
    use zbus_secret_service_keyring_store::Store;
    use zeroize::Zeroizing;

    use super::super::entry::Name;
    use super::Text;
    use crate::StoreFailure;

    fn entry(name: &Name) -> Result<Entry, StoreFailure> {
        let store = Store::new().map_err(|_| StoreFailure::NoKeyring)?;
        let entry = store.build(name.service, &name.user, None);
        entry.map_err(|error| failure(&error))
    }

    pub(in super::super) fn get(name: &Name) -> Result<Option<Text>, StoreFailure> {
        match entry(name)?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    pub(in super::super) fn set(name: &Name, text: &[u8]) -> Result<(), StoreFailure> {
        let set = entry(name)?.set_secret(text);
        set.map_err(|error| failure(&error))
    }

    pub(in super::super) fn remove(name: &Name) -> Result<bool, StoreFailure> {
        match entry(name)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(failure(&error)),
        }
    }

    const fn failed(problem: &'static str) -> StoreFailure {
        StoreFailure::KeyringFailed { problem }
    }

    fn failure(error: &Error) -> StoreFailure {
        match error {
            Error::NoStorageAccess(_) => StoreFailure::Locked,
            // The credential manager of Windows has room for a key, but not for the tokens of a
            // login.
            Error::TooLong(_, most) => StoreFailure::Unwritable {
                place: "the keyring".to_owned(),
                problem: format!(
                    "it takes {most} bytes and the login is longer, so choose another store \
                     with --store file"
                ),
            },
            Error::PlatformFailure(_) => failed("the system reported an error"),
            Error::Ambiguous(_) => failed("several entries have the same name"),
            _ => failed("its entry has an unexpected form"),
        }
    }
}

#[cfg(not(all(
    any(target_os = "linux", target_os = "macos", windows),
    feature = "keyring"
)))]
mod system {
    use super::super::entry::Name;
    use super::Text;
    use crate::StoreFailure;

    pub(in super::super) const fn get(_: &Name) -> Result<Option<Text>, StoreFailure> {
        Err(StoreFailure::NoKeyring)
    }

    pub(in super::super) const fn set(_: &Name, _: &[u8]) -> Result<(), StoreFailure> {
        Err(StoreFailure::NoKeyring)
    }

    pub(in super::super) const fn remove(_: &Name) -> Result<bool, StoreFailure> {
        Err(StoreFailure::NoKeyring)
    }
}

pub(super) use system::{get, remove, set};
