//! Members that are read within bounds, so that a message costs no multiple of its own length.
//!
//! A JSON text of some MiB can hold millions of values, each of which takes many times its length
//! in memory. A member of any type is therefore read up to a number of values and of bytes of
//! text, and a list up to a number of elements.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::TOO_LARGE;

/// Most values in one member of any type. The marks of all inputs of a turn count as one.
const MAX_VALUES: usize = 4096;
/// Most bytes of text in one member of any type.
const MAX_VALUE_TEXT: usize = 64 * 1024;
/// Most bytes of text in the settings of a thread, which may hold its instructions.
const MAX_CONFIG_TEXT: usize = 1024 * 1024;
/// Longest name of a method.
const MAX_METHOD: usize = 64;
/// Most elements of a list of paths, of inputs, or of different names.
const MAX_ELEMENTS: usize = 1024;

/// Reads a member of any type.
pub(crate) fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    let mut budget = Budget::new(MAX_VALUE_TEXT);
    let value = Bounded(&mut budget).deserialize(deserializer)?;
    Ok((!value.is_null()).then_some(value))
}

/// Reads a list of values of any type. Null is an empty one.
pub(crate) fn values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    match value(deserializer)? {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => Ok(values),
        Some(_) => Err(D::Error::custom("not a list")),
    }
}

/// Reads a list of values of any type, of which it only matters how many there are.
pub(crate) fn list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Value>>, D::Error> {
    match value(deserializer)? {
        None => Ok(None),
        Some(Value::Array(values)) => Ok(Some(values)),
        Some(_) => Err(D::Error::custom("not a list")),
    }
}

/// Reads the settings of a thread.
pub(crate) fn settings<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Map<String, Value>>, D::Error> {
    let mut budget = Budget::new(MAX_CONFIG_TEXT);
    match Bounded(&mut budget).deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Object(members) => Ok(Some(members)),
        _ => Err(D::Error::custom("not an object")),
    }
}

/// Reads a list of paths.
pub(crate) fn paths<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    texts(deserializer, |path, paths| {
        if paths.len() >= MAX_ELEMENTS {
            return false;
        }
        paths.push(path.into_owned());
        true
    })
}

/// Reads a list of names of methods. Each is kept once, up to a number of them; what is longer than
/// the name of a method is left out.
pub(crate) fn method_names<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    let mut seen = BTreeSet::new();
    texts(deserializer, move |name, names| {
        if name.len() <= MAX_METHOD && names.len() < MAX_ELEMENTS && !seen.contains(&*name) {
            seen.insert(name.clone().into_owned());
            names.push(name.into_owned());
        }
        true
    })
}

/// An input with values of any type.
pub(crate) trait Input {
    /// Returns the values.
    fn values(&self) -> &[Value];
}

/// Reads a list of inputs.
pub(crate) fn inputs<'de, T: Deserialize<'de> + Input, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(Inputs(PhantomData))
}

struct Inputs<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Input> Visitor<'de> for Inputs<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut inputs = Vec::new();
        // Each input was read within this much. Together they may hold no more.
        let mut budget = Budget::new(MAX_VALUE_TEXT);
        while let Some(input) = elements.next_element::<T>()? {
            if inputs.len() >= MAX_ELEMENTS {
                return Err(A::Error::custom(TOO_LARGE));
            }
            budget.spend_on(input.values())?;
            inputs.push(input);
        }
        Ok(inputs)
    }
}

/// Reads a list of texts, each through `take`, which returns false where there are too many.
fn texts<'de, D: Deserializer<'de>>(
    deserializer: D,
    take: impl FnMut(Cow<'_, str>, &mut Vec<String>) -> bool,
) -> Result<Option<Vec<String>>, D::Error> {
    deserializer.deserialize_option(Texts(take))
}

struct Texts<F>(F);

impl<'de, F: FnMut(Cow<'_, str>, &mut Vec<String>) -> bool> Visitor<'de> for Texts<F> {
    type Value = Option<Vec<String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = elements.next_element::<Text<'de>>()? {
            if !(self.0)(text.0, &mut texts) {
                return Err(A::Error::custom(TOO_LARGE));
            }
        }
        Ok(Some(texts))
    }
}

/// A text, borrowed where it holds no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What a member of any type may still hold.
struct Budget {
    values: usize,
    text: usize,
}

impl Budget {
    const fn new(text: usize) -> Self {
        Self {
            values: MAX_VALUES,
            text,
        }
    }

    fn spend<E: Error>(&mut self, values: usize, text: usize) -> Result<(), E> {
        let left = (self.values.checked_sub(values), self.text.checked_sub(text));
        let (Some(values), Some(text)) = left else {
            return Err(E::custom(TOO_LARGE));
        };
        (self.values, self.text) = (values, text);
        Ok(())
    }

    /// Spends what these values hold.
    fn spend_on<E: Error>(&mut self, values: &[Value]) -> Result<(), E> {
        for value in values {
            match value {
                Value::Null | Value::Bool(_) | Value::Number(_) => self.spend(1, 0)?,
                Value::String(text) => self.spend(1, text.len())?,
                Value::Array(values) => {
                    self.spend(1, 0)?;
                    self.spend_on(values)?;
                }
                Value::Object(members) => {
                    self.spend(1, 0)?;
                    for (name, value) in members {
                        self.spend(1, name.len())?;
                        self.spend_on(std::slice::from_ref(value))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads a value of any type within a budget.
struct Bounded<'a>(&'a mut Budget);

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.0.spend(1, 0)?;
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.0.spend(1, 0)?;
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.0.spend(1, 0)?;
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.0.spend(1, 0)?;
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.0.spend(1, value.len())?;
        Ok(value.into())
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.0.spend(1, 0)?;
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        self.0.spend(1, 0)?;
        let mut values = Vec::new();
        while let Some(value) = elements.next_element_seed(Bounded(&mut *self.0))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        self.0.spend(1, 0)?;
        let mut values = Map::new();
        while let Some(Text(name)) = members.next_key::<Text<'de>>()? {
            self.0.spend(1, name.len())?;
            let value = members.next_value_seed(Bounded(&mut *self.0))?;
            values.insert(name.into_owned(), value);
        }
        Ok(Value::Object(values))
    }
}

/// Reads a member of which it only matters whether it is there. Nothing of it is kept.
pub(crate) fn presence<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    let given: Option<IgnoredAny> = Deserialize::deserialize(deserializer)?;
    Ok(given.map(|IgnoredAny| Value::Bool(true)))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::{MAX_ELEMENTS, MAX_VALUE_TEXT, MAX_VALUES, TOO_LARGE};
    use crate::initialize::ClientCapabilities;
    use crate::item::UserInput;
    use crate::thread::ThreadStartParams;
    use crate::tools::SkillsListParams;
    use crate::turn::TurnStartParams;

    fn problem<'a, T: Deserialize<'a> + std::fmt::Debug>(text: &'a str) -> String {
        serde_json::from_str::<T>(text).unwrap_err().to_string()
    }

    #[test]
    fn values_within_the_bounds_are_unchanged() {
        let any = json!({"a": [1, -1, 1.5, true, null, "x\ny", {"b": []}], "ä": {}});
        let text = json!({"sandbox": any, "config": any, "dynamicTools": [any]}).to_string();
        let params: ThreadStartParams = serde_json::from_str(&text).unwrap();
        assert_eq!(params.sandbox.as_ref(), Some(&any));
        assert_eq!(params.config.map(Value::Object).as_ref(), Some(&any));
        assert_eq!(params.dynamic_tools.unwrap(), [any]);
        let params: ThreadStartParams = serde_json::from_str(r#"{"sandbox":null}"#).unwrap();
        assert_eq!(params.sandbox, None);
    }

    #[test]
    fn more_values_or_more_text_are_refused() {
        let many = vec!["0"; MAX_VALUES].join(",");
        let long = "x".repeat(MAX_VALUE_TEXT + 1);
        for text in [
            format!(r#"{{"sandbox":[{many}]}}"#),
            format!(r#"{{"dynamicTools":[{many}]}}"#),
            format!(r#"{{"config":{{"a":[{many}]}}}}"#),
            format!(r#"{{"approvalPolicy":"{long}"}}"#),
            format!(r#"{{"approvalPolicy":{{"{long}":1}}}}"#),
        ] {
            let said = problem::<ThreadStartParams>(&text);
            assert!(said.starts_with(TOO_LARGE), "{said}");
        }
        let text = format!(r#"{{"type":"text","text":"x","text_elements":[{many}]}}"#);
        assert!(problem::<UserInput>(&text).starts_with(TOO_LARGE));
    }

    #[test]
    fn the_marks_of_all_inputs_count_together() {
        let turn = |marks: Value| {
            let input = json!({"type": "text", "text": "x", "text_elements": marks});
            json!({"threadId": "x", "input": [input, input]}).to_string()
        };
        let half = vec![1; MAX_VALUES / 2];
        let params: TurnStartParams = serde_json::from_str(&turn(json!(half))).unwrap();
        assert_eq!(params.input.len(), 2);
        let long = "x".repeat(MAX_VALUE_TEXT / 2);
        let members = vec![json!({"a": [1]}); MAX_VALUES / 8 + 1];
        for more in [
            json!(vec![1; MAX_VALUES / 2 + 1]),
            json!([long, "x"]),
            json!([{&*long: "x"}]),
            json!(members),
        ] {
            assert!(problem::<TurnStartParams>(&turn(more)).starts_with(TOO_LARGE));
        }
    }

    #[test]
    fn paths_are_bounded_in_number() {
        let list = |count| json!({"cwds": vec!["/"; count]}).to_string();
        let params: SkillsListParams = serde_json::from_str(&list(MAX_ELEMENTS)).unwrap();
        assert_eq!(params.cwds.unwrap().len(), MAX_ELEMENTS);
        assert!(problem::<SkillsListParams>(&list(MAX_ELEMENTS + 1)).starts_with(TOO_LARGE));
        let none: SkillsListParams = serde_json::from_str(r#"{"cwds":null}"#).unwrap();
        assert_eq!(none.cwds, None);
    }

    #[test]
    fn names_are_kept_once() {
        let mut names = vec!["made-up".to_owned(); 10_000];
        names.push("x".repeat(65));
        names.extend(["turn/completed", "turn\\u002fcompleted", "warning"].map(str::to_owned));
        let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let text = format!(r#"{{"optOutNotificationMethods":[{}]}}"#, names.join(","));
        let read: ClientCapabilities = serde_json::from_str(&text).unwrap();
        let kept = read.opt_out_notification_methods.unwrap();
        assert_eq!(kept, ["made-up", "turn/completed", "warning"]);
        let names: Vec<_> = (0..2000).map(|number| format!("name-{number}")).collect();
        let text = serde_json::json!({"optOutNotificationMethods": names}).to_string();
        let read: ClientCapabilities = serde_json::from_str(&text).unwrap();
        let kept = read.opt_out_notification_methods.unwrap();
        assert_eq!(kept.len(), MAX_ELEMENTS);
        let wrong = r#"{"optOutNotificationMethods":[1]}"#;
        serde_json::from_str::<ClientCapabilities>(wrong).unwrap_err();
    }
}
