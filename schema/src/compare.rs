//! Compatibility check: whether a later state of the wire may keep the version.
//!
//! Within a version an old peer works with a new one in both directions. So an existing member
//! stays unchanged: making it optional breaks its readers, making it required breaks writers that
//! omit it. Allowed additions are methods, types, optional members (also of parameters that a request
//! did not have), and words or variants where their readers preserve unknown ones. Clients do; the server does where [`OPEN`] lists it. A new
//! variant of a method's own parameters is like a new method: an old server refuses it by name, and
//! no client has to send it.

use std::collections::BTreeSet;

use crate::model::{Member, Of, Shape, Type, Variant, Word};
use crate::wire::{Method, Wire};

/// Types of which the server reads an unknown variant without refusing the whole message.
pub const OPEN: [&str; 2] = ["UserInput", "PlanType"];

/// Returns all changes by which the new state may break an old peer, or the old state a new peer.
#[must_use]
pub fn breaks(old: &Wire, new: &Wire) -> Vec<String> {
    let mut found = Vec::new();
    for (name, before) in &old.methods {
        match new.methods.get(name) {
            None => found.push(format!("the method `{name}` is gone")),
            Some(after) if after != before && !has_gained_params(before, after, new) => {
                found.push(format!(
                    "the method `{name}` carries other types, or runs another way"
                ));
            }
            Some(_) => {}
        }
    }
    let read_by_server = reached(old, true);
    for name in read_by_server.union(&reached(old, false)) {
        match (old.types.get(name), new.types.get(name)) {
            (Some(before), Some(after)) => {
                let params = old.methods.values().any(|method| method.params == *name);
                let open = params || OPEN.contains(&name.as_str());
                let may_grow = open || !read_by_server.contains(name);
                let mut comparison = Comparison {
                    new,
                    may_grow,
                    place: name.clone(),
                    found: &mut found,
                };
                comparison.types(before, after);
            }
            (_, None) => found.push(format!("the type `{name}` is gone")),
            (None, _) => {}
        }
    }
    found
}

/// Returns whether a request that had no parameters has optional ones now, and nothing else is new.
fn has_gained_params(before: &Method, after: &Method, new: &Wire) -> bool {
    let had_none = before.params == "Empty" && before.direction == "clientRequest";
    let is_optional = |params: &Type| match &params.shape {
        Shape::Object(members) => members.iter().all(|member| member.optional),
        _ => false,
    };
    let gained = new.types.get(&after.params).is_some_and(is_optional);
    let same = (&after.direction, &after.result) == (&before.direction, &before.result);
    had_none && gained && same
}

/// Returns the names of the types that the server reads, or of those that it writes.
fn reached(wire: &Wire, by_server: bool) -> BTreeSet<String> {
    let mut open = Vec::new();
    for method in wire.methods.values() {
        if method.direction.starts_with("client") == by_server {
            open.push(method.params.clone());
        } else {
            open.extend(method.result.clone());
        }
    }
    if !by_server {
        open.push("ErrorData".to_owned());
    }
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        let members = wire.types.get(&name).into_iter().flat_map(Type::members);
        let names: Vec<_> = members.filter_map(|member| member.of.named()).collect();
        if reached.insert(name) {
            open.extend(names.into_iter().map(ToOwned::to_owned));
        }
    }
    reached
}

struct Comparison<'a> {
    new: &'a Wire,
    may_grow: bool,
    place: String,
    found: &'a mut Vec<String>,
}

impl Comparison<'_> {
    fn types(&mut self, old: &Type, new: &Type) {
        match (&old.shape, &new.shape) {
            (Shape::Id, Shape::Id) => {}
            (Shape::Object(old), Shape::Object(new)) => self.members(old, new),
            (Shape::Words(old), Shape::Words(new)) => self.words(old, new),
            (
                Shape::Tagged {
                    tag: old_tag,
                    variants: old,
                },
                Shape::Tagged {
                    tag: new_tag,
                    variants: new,
                },
            ) if old_tag == new_tag => self.variants(old, new),
            (
                Shape::Keyed {
                    words: old_words,
                    variants: old,
                },
                Shape::Keyed {
                    words: new_words,
                    variants: new,
                },
            ) => {
                self.words(old_words, new_words);
                self.variants(old, new);
            }
            _ => self.report("has another shape"),
        }
    }

    /// Returns whether any string is still accepted, some of them now with a meaning.
    fn is_open_word(&self, old: &Of, new: &Of) -> bool {
        let Of::Named(name) = new else { return false };
        let shape = self.new.types.get(name).map(|one| &one.shape);
        *old == Of::String
            && OPEN.contains(&name.as_str())
            && matches!(shape, Some(Shape::Words(_)))
    }

    fn members(&mut self, old: &[Member], new: &[Member]) {
        for before in old {
            let name = &before.name;
            let Some(after) = new.iter().find(|after| after.name == *name) else {
                self.report(&format!("has no member `{name}` any more"));
                continue;
            };
            if after.of != before.of && !self.is_open_word(&before.of, &after.of) {
                self.report(&format!("has a member `{name}` of another type"));
            }
            if after.range != before.range {
                self.report(&format!("has other numbers as `{name}`"));
            }
            match (before.optional, after.optional) {
                (false, true) => self.report(&format!("may come without `{name}` now")),
                (true, false) => self.report(&format!("must not come without `{name}` any more")),
                _ => {}
            }
            match (before.nullable, after.nullable) {
                (false, true) => self.report(&format!("may have null as `{name}` now")),
                (true, false) => self.report(&format!("must not have null as `{name}` any more")),
                _ => {}
            }
        }
        for after in new {
            let is_new = !old.iter().any(|before| before.name == after.name);
            if is_new && !after.optional {
                self.report(&format!(
                    "has a new member `{}` that is not optional",
                    after.name
                ));
            }
        }
    }

    fn words(&mut self, old: &[Word], new: &[Word]) {
        let old: Vec<_> = old.iter().map(|word| &word.value).collect();
        let new: Vec<_> = new.iter().map(|word| &word.value).collect();
        self.values(&old, &new);
    }

    fn variants(&mut self, old: &[Variant], new: &[Variant]) {
        let values = |variants: &[Variant]| {
            variants
                .iter()
                .map(|variant| variant.value.clone())
                .collect::<Vec<_>>()
        };
        let (before, after) = (values(old), values(new));
        self.values(
            &before.iter().collect::<Vec<_>>(),
            &after.iter().collect::<Vec<_>>(),
        );
        for before in old {
            if let Some(after) = new.iter().find(|after| after.value == before.value) {
                let place = format!("{}, `{}`", self.place, before.value);
                let mut inside = Comparison {
                    place,
                    found: self.found,
                    ..*self
                };
                inside.members(&before.members, &after.members);
            }
        }
    }

    fn values(&mut self, old: &[&String], new: &[&String]) {
        for gone in old.iter().filter(|value| !new.contains(value)) {
            self.report(&format!("has no `{gone}` any more"));
        }
        for more in new.iter().filter(|value| !old.contains(value)) {
            if !self.may_grow {
                self.report(&format!("has a new `{more}`, which an old server refuses"));
            }
        }
    }

    fn report(&mut self, what: &str) {
        self.found.push(format!("{}: it {what}", self.place));
    }
}
