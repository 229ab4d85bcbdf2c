//! What the emitters see: types reduced to the few shapes that the wire has.

mod read;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::Result;
use crate::families::places;

/// All types, by the file that they belong to and in the order of that file.
#[derive(Clone, Debug)]
pub struct Model {
    /// The types of each family.
    pub families: BTreeMap<String, Vec<Type>>,
}

/// A type with a name.
#[derive(Clone, Debug)]
pub struct Type {
    /// Its name, the same in every language.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// How it looks on the wire.
    pub shape: Shape,
}

/// How a type looks on the wire.
#[derive(Clone, Debug)]
pub enum Shape {
    /// An object with these members; others are ignored.
    Object(Vec<Member>),
    /// One of these strings, or one that a newer peer knows.
    Words(Vec<Word>),
    /// An object whose member `tag` tells which of these it is, or one that a newer peer knows.
    Tagged {
        /// The member that tells.
        tag: String,
        /// What it may be.
        variants: Vec<Variant>,
    },
    /// One of these strings, or an object with one member whose name tells which it is.
    Keyed {
        /// The strings.
        words: Vec<Word>,
        /// The objects.
        variants: Vec<Variant>,
    },
    /// A string or a whole number.
    Id,
}

/// A string with a meaning.
#[derive(Clone, Debug)]
pub struct Word {
    /// As it is on the wire.
    pub value: String,
    /// What it means.
    pub doc: String,
}

/// One of several objects.
#[derive(Clone, Debug)]
pub struct Variant {
    /// What tells it, as it is on the wire.
    pub value: String,
    /// What it means.
    pub doc: String,
    /// Its members, without the one that tells.
    pub members: Vec<Member>,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub struct Member {
    /// As it is on the wire.
    pub name: String,
    /// What it means.
    pub doc: String,
    /// Its type.
    pub of: Of,
    /// For numbers, which ones: `int64`, `uint32` and so on.
    pub range: Option<String>,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether it may be absent.
    pub optional: bool,
}

/// The type of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// A string.
    String,
    /// A string that must not be shown.
    Secret,
    /// True or false.
    Boolean,
    /// A whole number of up to 64 bits.
    Integer,
    /// Any JSON.
    Any,
    /// Any JSON object.
    AnyObject,
    /// A type with a name.
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
    /// A schema has a shape that is not among those above, or its type is not declared in the
    /// protocol's sources.
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

    /// Every type, family by family.
    pub fn types(&self) -> impl Iterator<Item = &Type> {
        self.families.values().flatten()
    }

    /// The type of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Type> {
        self.types().find(|one| one.name == name)
    }

    /// The family of the type of that name.
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
    /// It has a shape that is not among those above.
    pub fn read(name: &str, schema: &Value) -> Result<Self> {
        read::named(name, schema)
    }

    /// The members of the type and of its variants.
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
    /// The type with a name that this one is, or holds.
    #[must_use]
    pub fn named(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::List(of) | Self::Map(of) => of.named(),
            _ => None,
        }
    }

    /// Whether it is, or holds, a type of that kind.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        match self {
            Self::List(of) | Self::Map(of) => of.holds(other),
            of => of == other,
        }
    }
}
