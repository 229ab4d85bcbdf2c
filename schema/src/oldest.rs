//! The minimal messages of the version's oldest server: each with nothing but what the baseline
//! requires. Today's types must accept them, so a later member must be optional.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::Result;
use crate::model::{Member, Of, Shape, Type};
use crate::wire::{Method, Wire};

const ABOUT: &str = "Generated from schema/v1/baseline.json. The least that a server of version 1 \
    may write in each message, with each variant somewhere, and with nothing in what may be \
    empty. Every client reads all of it with its generated types.";

/// Returns the messages as a file for the tests of the clients: one per line.
///
/// # Errors
///
/// The wire names a type that it does not have.
pub fn file(wire: &Wire) -> Result<String> {
    let mut lines = Vec::new();
    let mut seen = SeenVariants::new();
    for (name, method) in &wire.methods {
        let Some((part, of)) = written(method) else {
            continue;
        };
        for value in values(wire, of, &mut seen)? {
            let message = json!({"method": name, "part": part, "value": value});
            lines.push(format!("    {message}"));
        }
    }
    let lines = lines.join(",\n");
    let about = json!(ABOUT);
    Ok(format!(
        "{{\n  \"about\": {about},\n  \"messages\": [\n{lines}\n  ]\n}}\n"
    ))
}

/// Returns the part of a method that the server writes, and its type.
fn written(method: &Method) -> Option<(&'static str, &str)> {
    if method.direction.starts_with("server") {
        return Some(("params", &method.params));
    }
    let result = method.result.as_deref()?;
    Some(("result", result))
}

/// Variants that occur in a message already, by type.
type SeenVariants = BTreeSet<(String, usize)>;

/// Returns minimal values of a type: one with everything, one with empty parts where possible, and
/// more for variants that no message contains yet.
fn values(wire: &Wire, of: &str, seen: &mut SeenVariants) -> Result<Vec<Value>> {
    let most = wire.types.values().map(variants).max().unwrap_or_default();
    let named = Of::Named(of.to_owned());
    let mut values = Vec::new();
    for pick in 0..most {
        let mut minimal = MinimalValues::new(wire, false, pick);
        let value = minimal.value(&named)?;
        if pick == 0 || !minimal.seen.is_subset(seen) {
            values.push(value);
        }
        seen.append(&mut minimal.seen);
    }
    let empty = MinimalValues::new(wire, true, 0).value(&named)?;
    if !values.contains(&empty) {
        values.push(empty);
    }
    Ok(values)
}

fn variants(one: &Type) -> usize {
    match &one.shape {
        Shape::Tagged { variants, .. } => variants.len(),
        Shape::Keyed { words, variants } => words.len() + variants.len(),
        Shape::Object(_) | Shape::Words(_) | Shape::Id => 1,
    }
}

struct MinimalValues<'a> {
    wire: &'a Wire,
    /// Whether optional and nullable parts are empty.
    is_empty: bool,
    /// The index of the variant.
    pick: usize,
    seen: SeenVariants,
}

impl<'a> MinimalValues<'a> {
    const fn new(wire: &'a Wire, is_empty: bool, pick: usize) -> Self {
        Self {
            wire,
            is_empty,
            pick,
            seen: SeenVariants::new(),
        }
    }

    fn value(&mut self, of: &Of) -> Result<Value> {
        Ok(match of {
            Of::String => json!("text"),
            Of::Secret => json!("made-up"),
            Of::Boolean => json!(false),
            Of::Integer => json!(0),
            Of::Any => json!([]),
            Of::AnyObject => json!({}),
            Of::List(_) if self.is_empty => json!([]),
            Of::List(of) => json!([self.value(of)?]),
            Of::Map(_) if self.is_empty => json!({}),
            Of::Map(of) => json!({"name": self.value(of)?}),
            Of::Named(name) => {
                let one = self.wire.types.get(name);
                let one = one.ok_or(format!("there is no type `{name}`"))?;
                let variant = self.pick % variants(one).max(1);
                self.seen.insert((name.clone(), variant));
                self.shape(&one.shape, variant)?
            }
        })
    }

    fn shape(&mut self, shape: &Shape, pick: usize) -> Result<Value> {
        Ok(match shape {
            Shape::Object(members) => Value::Object(self.members(members)?),
            Shape::Words(words) => {
                // Any word is accepted, so one suffices.
                json!(words.first().map_or("word", |word| word.value.as_str()))
            }
            Shape::Tagged { tag, variants } => {
                let variant = variants.get(pick);
                let Some(variant) = variant else {
                    return Ok(json!({}));
                };
                let mut value = Map::from_iter([(tag.clone(), json!(variant.value))]);
                value.extend(self.members(&variant.members)?);
                Value::Object(value)
            }
            Shape::Keyed { words, variants } => {
                let variant = variants.get(pick.saturating_sub(words.len()));
                match (words.get(pick), variant) {
                    (Some(word), _) => json!(word.value),
                    (None, Some(variant)) => {
                        json!({&variant.value: self.members(&variant.members)?})
                    }
                    (None, None) => json!({}),
                }
            }
            Shape::Id => json!(1),
        })
    }

    fn members(&mut self, members: &[Member]) -> Result<Map<String, Value>> {
        let required = members.iter().filter(|member| !member.optional);
        required
            .map(|member| {
                let value = if member.nullable && self.is_empty {
                    Value::Null
                } else {
                    self.value(&member.of)?
                };
                Ok((member.name.clone(), value))
            })
            .collect()
    }
}
