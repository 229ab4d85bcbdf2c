//! The input of the emitters: types reduced to the few shapes on the wire.

mod read;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::Result;
use crate::families::places;

/// All types, by file and in the file's order.
#[derive(Clone, Debug)]
pub struct Model {
    /// The types of each family.
    pub families: BTreeMap<String, Vec<Type>>,
}

/// A named type.
#[derive(Clone, Debug)]
pub struct Type {
    /// Its name, the same in every language.
    pub name: String,
    /// Its description.
    pub doc: String,
    /// Its shape on the wire.
    pub shape: Shape,
}

/// The shape of a type on the wire.
#[derive(Clone, Debug)]
pub enum Shape {
    /// An object with these members; others are ignored.
    Object(Vec<Member>),
    /// One of these strings, or a newer peer's.
    Words(Vec<Word>),
    /// An object with a discriminator member `tag`, with one of these values or a newer peer's.
    Tagged {
        /// The discriminator member.
        tag: String,
        /// The variants.
        variants: Vec<Variant>,
    },
    /// One of these strings, or an object with one member whose name is the discriminator.
    Keyed {
        /// The strings.
        words: Vec<Word>,
        /// The objects.
        variants: Vec<Variant>,
    },
    /// A string or an integer.
    Id,
}

/// A string value with a meaning.
#[derive(Clone, Debug)]
pub struct Word {
    /// Its value on the wire.
    pub value: String,
    /// Its description.
    pub doc: String,
}

/// One of several objects.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The discriminator's value on the wire.
    pub value: String,
    /// Its description.
    pub doc: String,
    /// Its members, without the discriminator.
    pub members: Vec<Member>,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name on the wire.
    pub name: String,
    /// Its description.
    pub doc: String,
    /// Its type.
    pub of: Of,
    /// The format of a number: `int64`, `uint32` and so on.
    pub range: Option<String>,
    /// Whether it is nullable.
    pub nullable: bool,
    /// Whether it is optional.
    pub optional: bool,
}

/// The type of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// A string.
    String,
    /// A string that must not be shown.
    Secret,
    /// A boolean.
    Boolean,
    /// An integer of up to 64 bits.
    Integer,
    /// Any JSON.
    Any,
    /// Any JSON object.
    AnyObject,
    /// A named type.
    Named(String),
    /// A list.
    List(Box<Self>),
    /// An object with any names.
    Map(Box<Self>),
}

impl Model {
    /// Reads the schemas.
    ///
    /// # Errors
    ///
    /// A schema has another shape than those above, or its type is not declared in the protocol's
    /// sources.
    pub fn new(definitions: &Map<String, Value>) -> Result<Self> {
        let places = places()?;
        let mut types = Vec::new();
        for (name, schema) in definitions {
            let place = places.get(name);
            let place = place.ok_or(format!("`{name}` is not declared in the protocol"))?;
            types.push((place, read::named(name, schema)?));
        }
        types.sort_by_key(|(place, _)| *place);
        let mut families = BTreeMap::<_, Vec<_>>::new();
        for (place, one) in types {
            families.entry(place.family.clone()).or_default().push(one);
        }
        Ok(Self { families })
    }

    /// Iterates over all types, family by family.
    pub fn types(&self) -> impl Iterator<Item = &Type> {
        self.families.values().flatten()
    }

    /// Returns the type of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Type> {
        self.types().find(|one| one.name == name)
    }

    /// Returns the family of a type.
    #[must_use]
    pub fn family_of(&self, name: &str) -> Option<&str> {
        let mut families = self.families.iter();
        let found = families.find(|(_, types)| types.iter().any(|one| one.name == name));
        found.map(|(family, _)| family.as_str())
    }
}

impl Type {
    /// Reads the schema of a type.
    ///
    /// # Errors
    ///
    /// It has another shape than those above.
    pub fn read(name: &str, schema: &Value) -> Result<Self> {
        read::named(name, schema)
    }

    /// Iterates over the members of the type and of its variants.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        let (own, variants) = match &self.shape {
            Shape::Object(members) => (members.as_slice(), [].as_slice()),
            Shape::Tagged { variants, .. } | Shape::Keyed { variants, .. } => {
                ([].as_slice(), variants.as_slice())
            }
            Shape::Words(_) | Shape::Id => ([].as_slice(), [].as_slice()),
        };
        own.iter()
            .chain(variants.iter().flat_map(|variant| &variant.members))
    }
}

impl Of {
    /// Returns the named type that this one is or contains.
    #[must_use]
    pub fn named(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::List(of) | Self::Map(of) => of.named(),
            _ => None,
        }
    }

    /// Returns whether it is or contains a type of that kind.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        match self {
            Self::List(of) | Self::Map(of) => of.holds(other),
            of => of == other,
        }
    }
}
