//! The configuration in force. It is fixed for the life of the process once all of it is usable;
//! until then it can be read again.

use std::sync::{Arc, PoisonError, RwLock};

use super::Config;
use super::findings::Stops;

/// The configuration in force.
#[derive(Debug)]
pub struct LiveConfig(RwLock<Arc<Config>>);

impl LiveConfig {
    /// Puts this configuration in force.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self(RwLock::new(Arc::new(config)))
    }

    /// Returns the configuration in force.
    #[must_use]
    pub fn current(&self) -> Arc<Config> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the configuration again if it stops anything. Returns the new one, if it differs.
    ///
    /// Usable parts are kept: the policy of logins, if it was known, and the store, which is open.
    pub fn read_again_if_stopped(&self) -> Option<Arc<Config>> {
        let before = self.current();
        if !before.stops_anything() {
            return None;
        }
        let mut config = before.read_again();
        if before.check(Stops::Logins).is_ok() {
            config.policy = before.policy.clone();
        }
        // The token is removed from the environment at startup.
        config.access_token = None;
        let earlier = &before.problems;
        config.problems.carry_over(Stops::Restoring, earlier);
        if config.store != before.store {
            tracing::warn!("the store that is configured now is opened at the next start");
        }
        config.store = before.store;
        config.byokey_home.clone_from(&before.byokey_home);
        let config = Arc::new(config);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&config);
        Some(config)
    }
}
