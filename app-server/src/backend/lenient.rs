//! Lenient parsing of foreign JSON, per member and per element.
//!
//! An optional member of another type counts as absent, an invalid element is skipped, and numbers
//! may be strings. No intermediate tree is built: it would take many times the memory of the text.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::limits::{MAX_DESCRIPTION, MAX_NAME};

/// Parses an optional member that is not a list. Null and a value of another type count as absent.
///
/// For `#[serde(default, deserialize_with = "lenient::member")]`; works on text only.
pub(crate) fn member<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(object(raw.get()))
}

/// Parses an optional list. Null and a value of another type count as absent.
pub(crate) fn list<'de, D, T, const MAX: usize>(
    deserializer: D,
) -> Result<Option<Elements<T, MAX>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// Parses a document that is not a list. Serde accepts a list as the members of a struct in order.
pub(crate) fn object<T: DeserializeOwned>(json: &str) -> Option<T> {
    if json.trim_start().starts_with('[') {
        return None;
    }
    serde_json::from_str::<Option<T>>(json).ok().flatten()
}

/// The first valid elements of a list, at most `MAX`.
#[derive(Debug)]
pub(crate) struct Elements<T, const MAX: usize>(pub(crate) Vec<T>);

impl<T, const MAX: usize> Default for Elements<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned, const MAX: usize> Deserialize<'de> for Elements<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ElementsVisitor::<T, MAX>(PhantomData))
    }
}

struct ElementsVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: DeserializeOwned, const MAX: usize> Visitor<'de> for ElementsVisitor<T, MAX> {
    type Value = Elements<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(raw) = list.next_element::<&RawValue>()? {
            if elements.len() < MAX {
                elements.extend(object::<T>(raw.get()));
            }
        }
        Ok(Elements(elements))
    }
}

/// An integer, as a number with or without a fraction, or as a string. It saturates out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Integer(pub(crate) i64);

/// A number, or a string with one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Number(pub(crate) f64);

/// A boolean in any observed spelling: JSON, Python, digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) bool);

/// A text of limited length; a longer one is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<const MAX: usize>(pub(crate) String);

/// A name or an id.
pub(crate) type Name = Text<MAX_NAME>;
/// A text for users.
pub(crate) type Description = Text<MAX_DESCRIPTION>;

/// A decimal number as the backend writes it, string or number. An empty one is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal(pub(crate) String);

/// A JSON scalar.
enum Scalar {
    Flag(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

/// Rejects lists and objects at their first byte; an untagged enum would build a tree of them.
struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Signed(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(number).map_or(Scalar::Unsigned(number), Scalar::Signed))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }
}

impl Integer {
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
    fn of(scalar: &Scalar) -> Option<Self> {
        match scalar {
            Scalar::Signed(number) => Some(Self(*number)),
            Scalar::Unsigned(_) => Some(Self(i64::MAX)),
            Scalar::Float(number) if number.is_finite() => Some(Self(number.round() as i64)),
            Scalar::Text(text) => Self::parse(text),
            Scalar::Flag(_) | Scalar::Float(_) => None,
        }
    }

    /// Parses a number from a header or a string.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.parse() {
            Ok(number) => Some(Self(number)),
            Err(_) => Self::of(&Scalar::Float(text.parse().ok()?)),
        }
    }
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "percentages and seconds")]
    fn of(scalar: &Scalar) -> Option<Self> {
        let number = match scalar {
            Scalar::Signed(number) => *number as f64,
            Scalar::Unsigned(number) => *number as f64,
            Scalar::Float(number) => *number,
            Scalar::Text(text) => return Self::parse(text),
            Scalar::Flag(_) => return None,
        };
        number.is_finite().then_some(Self(number))
    }

    /// Parses a number from a header or a string.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number: f64 = text.trim().parse().ok()?;
        number.is_finite().then_some(Self(number))
    }
}

impl Flag {
    fn of(scalar: &Scalar) -> Option<Self> {
        match scalar {
            Scalar::Flag(flag) => Some(Self(*flag)),
            Scalar::Signed(number @ (0 | 1)) => Some(Self(*number == 1)),
            Scalar::Text(text) => Self::parse(text),
            _ => None,
        }
    }

    /// Parses a boolean from a header or a string.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Self(true)),
            "false" | "0" => Some(Self(false)),
            _ => None,
        }
    }
}

impl<const MAX: usize> Text<MAX> {
    fn of(scalar: Scalar) -> Option<Self> {
        match scalar {
            Scalar::Text(text) if text.len() <= MAX => Some(Self(text)),
            Scalar::Signed(number) => Some(Self(number.to_string())),
            _ => None,
        }
    }
}

impl Decimal {
    fn of(scalar: Scalar) -> Option<Self> {
        match scalar {
            Scalar::Text(text) => Self::parse(&text),
            Scalar::Signed(number) => Some(Self(number.to_string())),
            Scalar::Unsigned(number) => Some(Self(number.to_string())),
            Scalar::Float(number) => Some(Self(number.to_string())),
            Scalar::Flag(_) => None,
        }
    }

    /// Validates a number from a header or a string.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_one = !text.trim().is_empty() && text.len() <= MAX_NAME;
        is_one.then(|| Self(text.to_owned()))
    }
}

macro_rules! deserialize_by_scalar {
    ($([$($generics:tt)*] $type:ty: $read:expr;)+) => {$(
        impl<'de, $($generics)*> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let scalar = deserializer.deserialize_any(ScalarVisitor)?;
                $read(scalar).ok_or_else(|| D::Error::custom("another value"))
            }
        }
    )+};
}

deserialize_by_scalar! {
    [] Integer: |scalar| Self::of(&scalar);
    [] Number: |scalar| Self::of(&scalar);
    [] Flag: |scalar| Self::of(&scalar);
    [const MAX: usize] Text<MAX>: Self::of;
    [] Decimal: Self::of;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Sample {
        #[serde(deserialize_with = "member")]
        integer: Option<Integer>,
        #[serde(deserialize_with = "member")]
        number: Option<Number>,
        #[serde(deserialize_with = "member")]
        flag: Option<Flag>,
        #[serde(deserialize_with = "member")]
        text: Option<Text<4>>,
        #[serde(deserialize_with = "member")]
        decimal: Option<Decimal>,
        #[serde(deserialize_with = "list")]
        list: Option<Elements<Integer, 2>>,
    }

    fn sample(text: &str) -> Sample {
        serde_json::from_str(text).expect(text)
    }

    #[test]
    fn integers_are_read_in_every_spelling() {
        for (written, expected) in [
            ("7", Some(7)),
            ("-7", Some(-7)),
            ("7.0", Some(7)),
            ("7.6", Some(8)),
            ("\" 7 \"", Some(7)),
            ("\"7.2\"", Some(7)),
            ("9223372036854775808", Some(i64::MAX)),
            ("1e300", Some(i64::MAX)),
            ("-1e300", Some(i64::MIN)),
            ("\"NaN\"", None),
            ("\"\"", None),
            ("true", None),
            ("null", None),
            ("[7]", None),
            ("{\"a\":7}", None),
        ] {
            let read = sample(&format!("{{\"integer\":{written}}}"));
            assert_eq!(read.integer.map(|read| read.0), expected, "{written}");
        }
    }

    #[test]
    fn other_scalars_are_read_in_every_spelling() {
        let read = sample(r#"{"number":"4.5","flag":"False","text":"four","decimal":36.79}"#);
        assert_eq!(read.number, Some(Number(4.5)));
        assert_eq!(read.flag, Some(Flag(false)));
        assert_eq!(read.text, Some(Text("four".into())));
        assert_eq!(read.decimal, Some(Decimal("36.79".into())));
        let read = sample(r#"{"number":{},"flag":2,"text":"fives","decimal":""}"#);
        assert_eq!((read.number, read.flag), (None, None));
        assert_eq!((read.text, read.decimal), (None, None));
    }

    #[test]
    fn bad_elements_are_left_out_and_long_lists_cut() {
        let list = |text: &str| sample(text).list.map(|list| list.0);
        let some = |numbers: &[i64]| Some(numbers.iter().copied().map(Integer).collect());
        assert_eq!(list(r#"{"list":[null,1,{},"2",3]}"#), some(&[1, 2]));
        assert_eq!(list(r#"{"list":[]}"#), some(&[]));
        assert_eq!(list(r#"{"list":{"0":1}}"#), None);
        assert_eq!(list("{}"), None);
    }
}
