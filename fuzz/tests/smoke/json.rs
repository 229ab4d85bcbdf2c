//! Mutations of a JSON text that leave it valid.

use serde_json::{Map, Value, json};

use crate::mutation::Mutator;

/// Mutates the value, or a part of it.
pub(crate) fn change(value: &mut Value, mutator: &mut Mutator<'_>) {
    match value {
        Value::Object(members) if !members.is_empty() && mutator.below(8) > 0 => {
            change_member(members, mutator);
        }
        Value::Array(elements) if !elements.is_empty() && mutator.below(4) > 0 => {
            let at = mutator.below(elements.len());
            match mutator.below(4) {
                0 => drop(elements.remove(at)),
                1 => elements.push(elements[at].clone()),
                _ => change(&mut elements[at], mutator),
            }
        }
        other => *other = odd(mutator),
    }
}

fn change_member(members: &mut Map<String, Value>, mutator: &mut Mutator<'_>) {
    let at = mutator.below(members.len());
    let Some(name) = members.keys().nth(at).cloned() else {
        return;
    };
    match mutator.below(6) {
        0 => drop(members.remove(&name)),
        1 => drop(members.insert(name + "x", odd(mutator))),
        _ => change(&mut members[&name], mutator),
    }
}

/// Returns an unlikely value.
fn odd(mutator: &mut Mutator<'_>) -> Value {
    match mutator.below(14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(1.5),
        5 => json!(u64::MAX),
        6 => json!(i64::MIN),
        7 => json!(""),
        8 => json!("\u{0}\u{feff}\u{10ffff}"),
        9 => json!("x".repeat(1 + mutator.below(2000))),
        10 => json!([]),
        11 => json!({}),
        12 => json!([[[[[[null]]]]]]),
        // A value from another place.
        _ => elsewhere(mutator),
    }
}

fn elsewhere(mutator: &mut Mutator<'_>) -> Value {
    let seed = mutator.seed();
    let line = seed.rsplit(|byte| *byte == b'\n').next();
    let mut value = serde_json::from_slice(line.unwrap_or_default()).unwrap_or_default();
    while let Value::Object(members) = &mut value
        && !members.is_empty()
    {
        let at = mutator.below(members.len());
        let Some(inner) = members.values_mut().nth(at) else {
            break;
        };
        value = inner.take();
    }
    value
}
