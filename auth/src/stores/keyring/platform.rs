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
    use std::borrow::Cow;
    use std::io;
    use std::sync::Arc;

    #[cfg(target_os = "macos")]
    use apple_native_keyring_store::keychain::Store;
    use byokey_base::os_cause::OsCause;
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

    fn failed(problem: impl Into<Cow<'static, str>>) -> StoreFailure {
        let problem = problem.into();
        StoreFailure::KeyringFailed { problem }
    }

    /// Describes an error of the platform by the system's error in it, if there is one.
    fn platform(error: &(dyn std::error::Error + 'static)) -> String {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let cause = causes.filter_map(|cause| {
            let shared = cause.downcast_ref::<Arc<io::Error>>().map(AsRef::as_ref);
            cause.downcast_ref::<io::Error>().or(shared)
        });
        match cause.last() {
            Some(cause) => format!("the system reported an error ({})", OsCause::from(cause)),
            None => "the system reported an error".to_owned(),
        }
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
            Error::PlatformFailure(error) => failed(platform(error.as_ref())),
            Error::Ambiguous(_) => failed("several entries have the same name"),
            _ => failed("its entry has an unexpected form"),
        }
    }

    #[cfg(test)]
    mod tests {
        use keyring_core::Error;

        use super::{Arc, failure, io};

        #[test]
        fn a_failure_of_the_platform_names_the_error_of_the_system_alone() {
            let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
            for error in [
                Error::PlatformFailure(Box::new(refused())),
                Error::PlatformFailure(Box::new(Arc::new(refused()))),
            ] {
                let text = failure(&error).to_string();
                assert!(text.contains("(connection refused)"), "{text}");
            }
            let unknown = Error::PlatformFailure("made-up text".into());
            let text = failure(&unknown).to_string();
            assert!(text.contains("the system reported an error;"), "{text}");
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
