//! Additions of a later state of the wire, by the names that its changelog must mention.

use std::collections::BTreeSet;

use crate::model::{Member, Shape, Type, Variant, Word};
use crate::wire::Wire;

/// Returns new methods by name; new members, words and variants as `Type.name`. Parts of something
/// new are not listed.
#[must_use]
pub fn additions(old: &Wire, new: &Wire) -> Vec<String> {
    let methods = new.methods.keys();
    let methods = methods.filter(|name| !old.methods.contains_key(*name));
    let mut found: Vec<_> = methods.cloned().collect();
    for (name, after) in &new.types {
        if let Some(before) = old.types.get(name) {
            let before = parts(before);
            let mut more: Vec<_> = parts(after).difference(&before).cloned().collect();
            let whole = more.clone();
            more.retain(|part| !whole.iter().any(|outer| is_inside(part, outer)));
            found.extend(more.iter().map(|part| format!("{name}.{part}")));
        }
    }
    found
}

fn is_inside(part: &str, outer: &str) -> bool {
    let rest = part.strip_prefix(outer);
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// Returns the names within a type: `member`, `word`, `variant`, `variant.member`.
fn parts(one: &Type) -> BTreeSet<String> {
    let members = |members: &[Member]| -> Vec<String> {
        members.iter().map(|member| member.name.clone()).collect()
    };
    let words =
        |words: &[Word]| -> Vec<String> { words.iter().map(|word| word.value.clone()).collect() };
    let variants = |variants: &[Variant]| -> Vec<String> {
        let parts = variants.iter().flat_map(|variant| {
            let inside = members(&variant.members).into_iter();
            let inside = inside.map(|member| format!("{}.{member}", variant.value));
            [variant.value.clone()].into_iter().chain(inside)
        });
        parts.collect()
    };
    let names = match &one.shape {
        Shape::Object(all) => members(all),
        Shape::Words(all) => words(all),
        Shape::Tagged { variants: all, .. } => variants(all),
        Shape::Keyed {
            words: plain,
            variants: all,
        } => [words(plain), variants(all)].concat(),
        Shape::Id => Vec::new(),
    };
    names.into_iter().collect()
}
