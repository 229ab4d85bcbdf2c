//! Lenient parsing: a member of an unexpected type is absent. An issuer may add members and change
//! their types.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A string; absent if it has another type.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) Option<String>);

/// Seconds since the Unix epoch, as a number or a string of digits; absent if it has another type.
#[derive(Debug, Default)]
pub(super) struct Seconds(pub(super) Option<i64>);

/// A boolean; absent if it has another type.
#[derive(Debug, Default)]
pub(super) struct Flag(pub(super) Option<bool>);

/// An object; absent if it has another type.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// Implements the common part of all visitors: other types are absent.
macro_rules! otherwise_absent {
    ($($method:ident: $type:ty),*) => {
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("any value")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }

        $(
            fn $method<E>(self, _: $type) -> Result<Self::Value, E> {
                Ok(Self::Value::default())
            }
        )*
    };
}

/// Implements a visitor for scalar values.
macro_rules! without_members {
    () => {
        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    otherwise_absent!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);
    without_members!();

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(Some(text.to_owned())))
    }
}

struct SecondsVisitor;

impl<'de> Visitor<'de> for SecondsVisitor {
    type Value = Seconds;

    otherwise_absent!(visit_bool: bool);
    without_members!();

    fn visit_i64<E>(self, seconds: i64) -> Result<Seconds, E> {
        Ok(Seconds(Some(seconds)))
    }

    fn visit_u64<E>(self, seconds: u64) -> Result<Seconds, E> {
        Ok(Seconds(Some(i64::try_from(seconds).unwrap_or(i64::MAX))))
    }

    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
    fn visit_f64<E>(self, seconds: f64) -> Result<Seconds, E> {
        Ok(Seconds(Some(seconds as i64)))
    }

    fn visit_str<E>(self, digits: &str) -> Result<Seconds, E> {
        Ok(Seconds(digits.trim().parse().ok()))
    }
}

struct FlagVisitor;

impl<'de> Visitor<'de> for FlagVisitor {
    type Value = Flag;

    otherwise_absent!(visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
    without_members!();

    fn visit_bool<E>(self, flag: bool) -> Result<Flag, E> {
        Ok(Flag(Some(flag)))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    otherwise_absent!(
        visit_bool: bool,
        visit_i64: i64,
        visit_u64: u64,
        visit_f64: f64,
        visit_str: &str
    );

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(|read| Object(Some(read)))
    }
}

macro_rules! deserialize_any {
    ($($type:ident: $visitor:expr),*) => {
        $(
            impl<'de> Deserialize<'de> for $type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_any($visitor)
                }
            }
        )*
    };
}

deserialize_any!(Text: TextVisitor, Seconds: SecondsVisitor, Flag: FlagVisitor);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{Flag, Object, Seconds, Text};

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[serde(default)]
        text: Text,
    }

    /// One value of each JSON type.
    const VALUES: [&str; 8] = [
        "null",
        "true",
        "7",
        "-7",
        "7.5",
        "\"7\"",
        "[[1]]",
        "{\"text\":\"in\"}",
    ];

    #[test]
    fn what_has_another_type_is_absent() {
        let texts = VALUES.map(|value| serde_json::from_str::<Text>(value).unwrap().0);
        let seven = Some("7".to_owned());
        assert_eq!(texts, [None, None, None, None, None, seven, None, None]);
        let seconds = VALUES.map(|value| serde_json::from_str::<Seconds>(value).unwrap().0);
        let (some, less) = (Some(7), Some(-7));
        assert_eq!(seconds, [None, None, some, less, some, some, None, None]);
        let flags = VALUES.map(|value| serde_json::from_str::<Flag>(value).unwrap().0);
        assert_eq!(
            flags.map(|flag| flag.is_some()),
            [false, true, false, false, false, false, false, false]
        );
        let objects = VALUES.map(|value| serde_json::from_str::<Object<Inner>>(value).unwrap().0);
        let texts = objects.map(|object| object.and_then(|inner| inner.text.0));
        assert_eq!(texts.iter().flatten().collect::<Vec<_>>(), ["in"]);
    }

    #[test]
    fn numbers_beyond_the_range_saturate() {
        let read = |text| serde_json::from_str::<Seconds>(text).unwrap().0;
        assert_eq!(read("18446744073709551615"), Some(i64::MAX));
        assert_eq!(read("1e300"), Some(i64::MAX));
        assert_eq!(read("\"99999999999999999999\""), None);
    }
}
