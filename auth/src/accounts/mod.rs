//! Several accounts: one auth manager for each, and the selected one.
//!
//! `table` has the rules, without IO. A manager knows nothing of the others: its tokens, its
//! refreshes and its store are of its account alone.

mod key;
mod table;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

pub use key::AccountKey;
pub use table::{Held, Holder, Listed, Place, SlotId, Table};

use crate::credential::{AccountIdentity, PeerId};
use crate::manager::AuthManager;

/// Most accounts at a time.
const MAX_ACCOUNTS: usize = 128;

/// Creates the auth manager of a slot.
type Make = Box<dyn Fn(&Weak<Accounts>, SlotId) -> Arc<AuthManager> + Send + Sync>;

/// The accounts of a server.
pub struct Accounts {
    first: Arc<AuthManager>,
    /// Whether the first account is the only one: then no call takes the lock.
    is_alone: AtomicBool,
    table: Mutex<Table<Arc<AuthManager>>>,
    make: Make,
    me: Weak<Self>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

impl Holder for Arc<AuthManager> {
    fn held(&self) -> Option<Held> {
        self.read(|credential| credential.map(Held::of))
    }

    fn keep_account(&self, is_kept: bool) {
        AuthManager::keep_account(self, is_kept);
    }
}

impl Accounts {
    /// Returns accounts without a login. `make` creates the manager of each.
    #[must_use]
    pub fn new(
        make: impl Fn(&Weak<Self>, SlotId) -> Arc<AuthManager> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| {
            let first = make(me, SlotId::FIRST);
            Self {
                first: Arc::clone(&first),
                is_alone: AtomicBool::new(true),
                table: Mutex::new(Table::new(first)),
                make: Box::new(make),
                me: me.clone(),
            }
        })
    }

    /// Returns the manager of the first account, the one with the store.
    #[must_use]
    pub fn first(&self) -> Arc<AuthManager> {
        Arc::clone(&self.first)
    }

    /// Returns the manager of the account that is used where none is named.
    #[must_use]
    pub fn selected(&self) -> Arc<AuthManager> {
        if self.is_alone() {
            return self.first();
        }
        Arc::clone(self.table().selected())
    }

    /// Returns the manager of the account of that key.
    #[must_use]
    pub fn by_key(&self, key: &AccountKey) -> Option<Arc<AuthManager>> {
        self.table().by_key(key).cloned()
    }

    /// Returns the manager that holds this account, first the selected one.
    #[must_use]
    pub fn of_account(&self, account: &AccountIdentity) -> Option<Arc<AuthManager>> {
        self.table().of_account(account).cloned()
    }

    /// Returns whether no login was ever added to the first one, or none is left.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.is_alone.load(Ordering::Acquire)
    }

    /// Returns all managers.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<AuthManager>> {
        self.table().values().cloned().collect()
    }

    /// Returns whether the account in this slot is the selected one.
    #[must_use]
    pub fn is_selected(&self, slot: SlotId) -> bool {
        self.is_alone() || self.table().selected_slot() == slot
    }

    /// Returns the key of the account in this slot.
    #[must_use]
    pub fn key(&self, slot: SlotId) -> Option<AccountKey> {
        self.table().key(slot)
    }

    /// Returns the key of the account of a manager.
    #[must_use]
    pub fn key_of(&self, manager: &Arc<AuthManager>) -> Option<AccountKey> {
        let mut table = self.table();
        let slot = table.slot_of_value(|it| Arc::ptr_eq(it, manager))?;
        table.key(slot)
    }

    /// Returns whether the account of this manager is the selected one.
    #[must_use]
    pub fn has_selected(&self, manager: &Arc<AuthManager>) -> bool {
        Arc::ptr_eq(&self.selected(), manager)
    }

    /// Returns whether there is no room for another account.
    #[must_use]
    pub fn are_full(&self) -> bool {
        self.table().slots() >= MAX_ACCOUNTS
    }

    /// Returns the accounts in the order of their first login, and the key of the selected one.
    #[must_use]
    pub fn list(&self) -> (Vec<Listed<Arc<AuthManager>>>, Option<AccountKey>) {
        let mut table = self.table();
        let selected = table.selected_slot();
        (table.list(), table.key(selected))
    }

    /// Returns where a login of this account goes, and the manager for it.
    pub fn place(&self, login: &Held, keep: bool) -> (Place, Arc<AuthManager>) {
        let place = self.table().place(login, keep);
        let manager = match place {
            Place::In(slot) => self.table().value(slot).cloned(),
            Place::New(slot) => Some((self.make)(&self.me, slot)),
        };
        (place, manager.unwrap_or_else(|| self.first()))
    }

    /// Selects the account that has just logged in at this place. Returns the manager of the account
    /// that it replaces, to be logged out.
    #[must_use]
    pub fn logged_in(
        &self,
        place: Place,
        manager: &Arc<AuthManager>,
        keep: bool,
        label: Option<String>,
    ) -> Option<Arc<AuthManager>> {
        let mut table = self.table();
        let slot = match place {
            Place::In(slot) => slot,
            Place::New(slot) => {
                table.add(slot, Arc::clone(manager));
                self.is_alone.store(false, Ordering::Release);
                slot
            }
        };
        table.logged_in(slot, keep, label)
    }

    /// Selects an account. Returns false if there is none of that key.
    #[must_use]
    pub fn select(&self, key: &AccountKey) -> bool {
        self.table().select(key)
    }

    /// Returns the managers that a logout of this connection concerns.
    #[must_use]
    pub fn of_logout(&self, by: PeerId) -> Vec<Arc<AuthManager>> {
        self.table().of_logout(by)
    }

    /// Drops what logins, removals and logouts left.
    pub fn sweep(&self) {
        let mut table = self.table();
        table.sweep();
        self.is_alone.store(table.is_alone(), Ordering::Release);
    }

    fn table(&self) -> MutexGuard<'_, Table<Arc<AuthManager>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
