//! Members that belong to one kind of object among several under one method: under the others they
//! count no more than an unknown member, whatever they hold.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroize;

use crate::secret::Secret;

/// A member as received.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Member<T> {
    /// It is missing or null.
    #[default]
    Absent,
    /// It has the right type.
    Given(T),
    /// It has another type.
    Odd,
}

impl<T> Member<T> {
    /// Returns the value, or none if it is absent.
    ///
    /// # Errors
    ///
    /// This text, if it has another type.
    pub(crate) fn checked<E: Error>(self, problem: &'static str) -> Result<Option<T>, E> {
        match self {
            Self::Absent => Ok(None),
            Self::Given(value) => Ok(Some(value)),
            Self::Odd => Err(E::custom(problem)),
        }
    }

    /// Returns it as it is.
    ///
    /// # Errors
    ///
    /// This text, if it has another type.
    pub(crate) fn unless_odd<E: Error>(self, problem: &'static str) -> Result<Self, E> {
        match self {
            Self::Odd => Err(E::custom(problem)),
            usable => Ok(usable),
        }
    }

    /// Returns the value, or none if it is absent or has another type.
    pub(crate) fn usable(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Odd => None,
        }
    }
}

/// A type of members.
pub(crate) trait Kind: Sized {
    /// Reads a text.
    fn of_text(text: &str) -> Option<Self>;

    /// Reads a number without a fraction.
    fn of_whole(_: i64) -> Option<Self> {
        None
    }

    /// Reads a number.
    fn of_fraction(_: f64) -> Option<Self> {
        None
    }

    /// Reads an object.
    fn of_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl Kind for Secret {
    fn of_text(text: &str) -> Option<Self> {
        Some(Self::from(text))
    }
}

impl Kind for String {
    fn of_text(text: &str) -> Option<Self> {
        Some(Self::from(text))
    }
}

/// A time in seconds since 1970. A fraction, as `Date.now() / 1000` has one, is dropped, and a text
/// may hold the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) i64);

impl Kind for Seconds {
    fn of_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let whole = text.parse().ok().and_then(Self::of_whole);
        whole.or_else(|| Self::of_fraction(text.parse().ok()?))
    }

    fn of_whole(number: i64) -> Option<Self> {
        Some(Self(number))
    }

    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
    fn of_fraction(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(number as i64))
    }
}

impl<'de, T: Kind> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor(PhantomData))
    }
}

struct MemberVisitor<T>(PhantomData<T>);

impl<'de, T: Kind> Visitor<'de> for MemberVisitor<T> {
    type Value = Member<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Member<T>, E> {
        Ok(Member::Absent)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Member<T>, E> {
        Ok(Member::Odd)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Member<T>, E> {
        Ok(T::of_whole(number).map_or(Member::Odd, Member::Given))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Member<T>, E> {
        self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Member<T>, E> {
        Ok(T::of_fraction(number).map_or(Member::Odd, Member::Given))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Member<T>, E> {
        Ok(T::of_text(text).map_or(Member::Odd, Member::Given))
    }

    fn visit_string<E: Error>(self, mut text: String) -> Result<Member<T>, E> {
        let member = self.visit_str(&text);
        text.zeroize();
        member
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Member<T>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Odd)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Member<T>, A::Error> {
        Ok(T::of_map(map)?.map_or(Member::Odd, Member::Given))
    }
}

#[cfg(test)]
mod tests {
    use super::{Member, Seconds};

    #[test]
    fn a_value_of_another_type_is_odd_and_no_error() {
        let text = |json| serde_json::from_str::<Member<String>>(json).unwrap();
        assert_eq!(text(r#""made\nup""#), Member::Given("made\nup".to_owned()));
        assert_eq!(text("null"), Member::Absent);
        for odd in ["7", "-7", "7.5", "true", "[1,[2]]", r#"{"a":{"b":1}}"#] {
            assert_eq!(text(odd), Member::Odd, "{odd}");
        }
        assert!(serde_json::from_str::<Member<String>>("[1").is_err());
        let seconds = |json| serde_json::from_str::<Member<Seconds>>(json).unwrap();
        assert_eq!(seconds("7.5"), Member::Given(Seconds(7)));
        assert_eq!(seconds(r#"" 7""#), Member::Given(Seconds(7)));
        for odd in ["true", r#""soon""#, r#""NaN""#, "[7]", "{}"] {
            assert_eq!(seconds(odd), Member::Odd, "{odd}");
        }
    }
}
