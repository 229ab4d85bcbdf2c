//! The rules of several accounts: which one a login goes to, which one is selected, and what a
//! logout or a removal leaves. Without IO: `V` owns the credential of one account.

use super::key::AccountKey;
use crate::credential::{AccountIdentity, Credential, PeerId};

/// The owner of the credential of one account.
pub trait Holder: Clone {
    /// Returns what it holds; `None` without a credential.
    fn held(&self) -> Option<Held>;

    /// From now on, an answer to a refresh for another account is refused, or accepted again.
    fn keep_account(&self, is_kept: bool);
}

/// The account of a credential, and its owner.
#[derive(Clone, Debug)]
pub struct Held {
    /// The account.
    pub identity: AccountIdentity,
    /// The connection that supplies it; `None` for a login of this program.
    pub supplier: Option<PeerId>,
}

impl Held {
    /// Returns what holding this credential means.
    #[must_use]
    pub fn of(credential: &Credential) -> Self {
        Self {
            identity: credential.identity(),
            supplier: match credential {
                Credential::External(login) => Some(login.supplier),
                Credential::Bearer(login) => Some(login.supplier),
                _ => None,
            },
        }
    }

    /// Returns whether a login of the one replaces the tokens of the other. A host's login never
    /// replaces one of this program, nor the other way round: they are two accounts.
    fn is_replaced_by(&self, login: &Self) -> bool {
        self.supplier.is_some() == login.supplier.is_some()
            && self.identity.is_same(&login.identity)
    }
}

/// Identifies a slot. It is not reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotId(u64);

impl SlotId {
    /// The slot of the first account, which has the store. It is never removed.
    pub const FIRST: Self = Self(0);
}

/// Where a login goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into this slot, where it replaces the credential.
    In(SlotId),
    /// Into a new one.
    New(SlotId),
}

/// One account of a list.
#[derive(Debug)]
pub struct Listed<V> {
    /// Its key.
    pub key: AccountKey,
    /// The name that the client gave.
    pub label: Option<String>,
    /// The owner of its credential.
    pub value: V,
}

#[derive(Debug)]
struct Slot<V> {
    id: SlotId,
    /// The names of the account that it holds, once they were needed.
    named: Option<Named>,
    value: V,
}

#[derive(Debug)]
struct Named {
    identity: AccountIdentity,
    key: AccountKey,
    label: Option<String>,
}

impl<V: Holder> Slot<V> {
    /// Returns the names of the account in it. They stay as long as it is the same account, also
    /// when a renewal says more about its user.
    fn named(&mut self) -> Option<&mut Named> {
        let held = self.value.held()?;
        let is_named = |it: &Named| it.identity.is_same(&held.identity);
        if !self.named.as_ref().is_some_and(is_named) {
            self.named = Some(Named {
                key: AccountKey::of(&held),
                identity: held.identity,
                label: None,
            });
        }
        self.named.as_mut()
    }
}

/// The accounts in the order of their first login, and the selected one.
///
/// There is always a selected slot. Nobody is selected when it is vacant, as after its logout: no
/// other account takes its place by itself.
#[derive(Debug)]
pub struct Table<V> {
    slots: Vec<Slot<V>>,
    selected: SlotId,
    /// Where its slot is, so that a call does not look for it.
    selected_at: usize,
    next: u64,
}

impl<V: Holder> Table<V> {
    /// Returns a table with the owner of the first account.
    pub fn new(first: V) -> Self {
        Self {
            slots: vec![Slot {
                id: SlotId::FIRST,
                named: None,
                value: first,
            }],
            selected: SlotId::FIRST,
            selected_at: 0,
            next: 1,
        }
    }

    /// Returns the owner of the first account.
    pub fn first(&self) -> &V {
        &self.slots[0].value
    }

    /// Returns whether there is no other slot than the first one.
    pub const fn is_alone(&self) -> bool {
        self.slots.len() == 1
    }

    /// Returns the slot that is used where no account is named.
    pub const fn selected_slot(&self) -> SlotId {
        self.selected
    }

    /// Returns the owner of the selected account.
    pub fn selected(&self) -> &V {
        &self.slots[self.selected_at].value
    }

    /// Returns the owner in a slot.
    pub fn value(&self, id: SlotId) -> Option<&V> {
        let slot = self.slots.iter().find(|slot| slot.id == id);
        slot.map(|slot| &slot.value)
    }

    /// Returns the slot of an owner.
    pub fn slot_of_value(&self, is_it: impl Fn(&V) -> bool) -> Option<SlotId> {
        let slot = self.slots.iter().find(|slot| is_it(&slot.value));
        slot.map(|slot| slot.id)
    }

    /// Returns the number of slots.
    pub const fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Returns all owners.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.slots.iter().map(|slot| &slot.value)
    }

    /// Returns where a login goes: to its own account, wherever that is; else to the selected slot,
    /// unless an account there is to be kept.
    pub fn place(&mut self, login: &Held, keep: bool) -> Place {
        let same = |slot: &&Slot<V>| {
            let held = slot.value.held();
            held.is_some_and(|held| held.is_replaced_by(login))
        };
        if let Some(slot) = self.slots.iter().find(same) {
            return Place::In(slot.id);
        }
        if !keep || self.selected().held().is_none() {
            return Place::In(self.selected);
        }
        self.next += 1;
        Place::New(SlotId(self.next - 1))
    }

    /// Adds the owner of a new slot.
    pub fn add(&mut self, id: SlotId, value: V) {
        let named = None;
        self.slots.push(Slot { id, named, value });
    }

    /// Selects the account that has just logged in, under this label. Returns a host's account that
    /// it replaces, to be logged out: the one selected before, unless it is kept.
    #[must_use]
    pub fn logged_in(&mut self, id: SlotId, keep: bool, label: Option<String>) -> Option<V> {
        let before = self.selected().clone();
        let is_other = self.selected != id;
        self.point_at(id);
        let slot = self.slots.iter_mut().find(|slot| slot.id == id);
        if let Some(named) = slot.and_then(Slot::named)
            && label.is_some()
        {
            named.label = label;
        }
        let is_hosts = |held: Held| held.supplier.is_some();
        let is_replaced = is_other && !keep && before.held().is_some_and(is_hosts);
        is_replaced.then_some(before)
    }

    /// Selects an account. Returns false if there is none of that key.
    #[must_use]
    pub fn select(&mut self, key: &AccountKey) -> bool {
        let Some(id) = self.slot_of(key) else {
            return false;
        };
        self.point_at(id);
        true
    }

    /// Returns the owner of an account by its key.
    pub fn by_key(&mut self, key: &AccountKey) -> Option<&V> {
        let id = self.slot_of(key)?;
        self.value(id)
    }

    /// Returns the owner of this account, first the selected one.
    pub fn of_account(&self, account: &AccountIdentity) -> Option<&V> {
        let is_it = |value: &&V| value.held().is_some_and(|it| it.identity.is_same(account));
        let selected = Some(self.selected()).filter(is_it);
        selected.or_else(|| self.values().find(is_it))
    }

    /// Returns the owners that a logout of this connection concerns: the selected one, and those
    /// that the connection supplies.
    pub fn of_logout(&self, by: PeerId) -> Vec<V> {
        let is_supplied = |value: &V| value.held().is_some_and(|it| it.supplier == Some(by));
        let slots = self.slots.iter();
        let concerned = slots.filter(|slot| slot.id == self.selected || is_supplied(&slot.value));
        concerned.map(|slot| slot.value.clone()).collect()
    }

    /// Drops vacant slots, and applies the rule of refreshes. To be called after every change.
    pub fn sweep(&mut self) {
        if self.is_alone() {
            self.first().keep_account(false);
            return;
        }
        // Who logs in next gets the slot with the store.
        if self.selected().held().is_none() && self.first().held().is_none() {
            self.point_at(SlotId::FIRST);
        }
        let selected = self.selected;
        self.slots.retain(|slot| {
            slot.id == SlotId::FIRST || slot.id == selected || slot.value.held().is_some()
        });
        self.point_at(selected);
        let held = self.values().filter(|value| value.held().is_some());
        let are_several = held.count() > 1;
        for value in self.values() {
            value.keep_account(are_several);
        }
    }

    /// Returns the accounts, in the order of their first login.
    pub fn list(&mut self) -> Vec<Listed<V>> {
        let listed = self.slots.iter_mut().filter_map(|slot| {
            let named = slot.named()?;
            let (key, label) = (named.key.clone(), named.label.clone());
            let value = slot.value.clone();
            Some(Listed { key, label, value })
        });
        listed.collect()
    }

    /// Returns the key of the account in a slot.
    pub fn key(&mut self, id: SlotId) -> Option<AccountKey> {
        let slot = self.slots.iter_mut().find(|slot| slot.id == id)?;
        Some(slot.named()?.key.clone())
    }

    fn point_at(&mut self, id: SlotId) {
        let at = self.slots.iter().position(|slot| slot.id == id);
        self.selected_at = at.unwrap_or(0);
        self.selected = self.slots[self.selected_at].id;
    }

    fn slot_of(&mut self, key: &AccountKey) -> Option<SlotId> {
        self.slots.iter_mut().find_map(|slot| {
            let is_it = slot.named().is_some_and(|it| it.key == *key);
            is_it.then_some(slot.id)
        })
    }
}
