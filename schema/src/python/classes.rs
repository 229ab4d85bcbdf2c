//! Python dataclasses that read themselves from JSON and write themselves.

use std::fmt::Write as _;

use byokey_protocol::methods::{Direction, METHODS, MethodInfo};

use super::free_reader;
use crate::Result;
use crate::model::{Member, Model, Of, Shape, Type, Variant, Word};
use crate::names::{pascal, snake};
use crate::prose::wrap;

/// Returns the names that a type adds to its module.
pub(super) fn names_of(one: &Type) -> Vec<String> {
    let mut names = vec![one.name.clone()];
    if let Shape::Tagged { variants, .. } | Shape::Keyed { variants, .. } = &one.shape {
        names.extend(variants.iter().map(|variant| class_name(one, variant)));
        names.push(format!("Unknown{}", one.name));
    }
    names.extend(free_reader(one));
    names.extend(shared_by(&one.name).map(event_class));
    names
}

/// Returns the notifications of the server with this type, if there are several: each gets its own
/// class, so that `match` can distinguish them.
fn shared_by(name: &str) -> impl Iterator<Item = &'static MethodInfo> {
    let carriers = move || {
        let of_server = |method: &&MethodInfo| method.direction == Direction::ServerNotification;
        METHODS
            .iter()
            .filter(of_server)
            .filter(move |method| method.params == name)
    };
    let is_shared = carriers().count() > 1;
    carriers().filter(move |_| is_shared)
}

/// Returns the class of a notification's parameters.
pub(super) fn params_class(method: &MethodInfo) -> String {
    let is_shared = shared_by(method.params).any(|one| one.name == method.name);
    if is_shared {
        event_class(method)
    } else {
        method.params.to_owned()
    }
}

fn event_class(method: &MethodInfo) -> String {
    pascal(method.name)
}

/// Returns a class for each notification that shares its type with another.
fn event_classes(name: &str, members: &[Member]) -> String {
    let mut text = String::new();
    for method in shared_by(name) {
        let class = event_class(method);
        let _ = write!(
            text,
            "\n\n@dataclass(frozen=True, slots=True, kw_only=True)\nclass {class}({name}):\n{}\n    \
             @classmethod\n    def from_wire(cls, value: object, at: str = \"\") -> {class}:\n        \
             read = {name}.from_wire(value, at)\n        return cls(\n",
            docstring(
                "    ",
                &format!("Parameters of `{}`. {}", method.name, method.doc.trim())
            )
        );
        for member in members {
            let field = snake(&member.name);
            let _ = writeln!(text, "            {field}=read.{field},");
        }
        text.push_str("        )\n");
    }
    text
}

/// Returns a type with all its declarations.
pub(super) fn of_type(model: &Model, one: &Type) -> Result<String> {
    let name = &one.name;
    match &one.shape {
        Shape::Object(members) => {
            let class = class(model, name, &one.doc, &Tag::None, members)?;
            Ok(class + &event_classes(name, members))
        }
        Shape::Words(words) => Ok(alias(name, &literal(words), &one.doc)),
        Shape::Id => Ok(alias(name, "str | int", &one.doc)
            + "\n\ndef request_id_from_wire(value: object, at: str = \"\") -> RequestId:\n    \
               return wire.string_or_integer(value, at)\n"),
        Shape::Tagged { tag, variants } => {
            let mut text = String::new();
            for variant in variants {
                let tag = Tag::Member(tag, &variant.value);
                let class_name = class_name(one, variant);
                let class = class(model, &class_name, &variant.doc, &tag, &variant.members)?;
                let _ = write!(text, "{class}\n\n");
            }
            text.push_str(&unknown(one, "dict[str, Any]"));
            let classes = variants.iter().map(|variant| class_name(one, variant));
            let union = classes.collect::<Vec<_>>().join(" | ") + &format!(" | Unknown{name}");
            let _ = write!(text, "\n\n{}\n\n", alias(name, &union, &one.doc));
            let _ = write!(
                text,
                "def {}_from_wire(value: object, at: str = \"\") -> {name}:\n    \
                 members = wire.members(value, at)\n    \
                 tag = wire.required(members, \"{tag}\", at, wire.string)\n",
                snake(name)
            );
            for variant in variants {
                let _ = write!(
                    text,
                    "    if tag == \"{}\":\n        return {}.from_wire(members, at)\n",
                    variant.value,
                    class_name(one, variant)
                );
            }
            let _ = writeln!(text, "    return Unknown{name}(members)");
            Ok(text)
        }
        Shape::Keyed { words, variants } => keyed(model, one, words, variants),
    }
}

fn keyed(model: &Model, one: &Type, words: &[Word], variants: &[Variant]) -> Result<String> {
    let name = &one.name;
    let mut text = String::new();
    for variant in variants {
        let tag = Tag::Key(&variant.value);
        let class_name = class_name(one, variant);
        let class = class(model, &class_name, &variant.doc, &tag, &variant.members)?;
        let _ = write!(text, "{class}\n\n");
    }
    text.push_str(&unknown(one, "Any"));
    let classes = variants.iter().map(|variant| class_name(one, variant));
    let classes = classes.collect::<Vec<_>>().join(" | ");
    let union = format!("{classes} | Unknown{name} | {}", literal(words));
    let _ = write!(text, "\n\n{}\n\n", alias(name, &union, &one.doc));
    let _ = write!(
        text,
        "def {}_from_wire(value: object, at: str = \"\") -> {name}:\n    \
         if isinstance(value, str):\n        return value\n    \
         members = wire.members(value, at)\n",
        snake(name)
    );
    for variant in variants {
        let _ = write!(
            text,
            "    if \"{0}\" in members:\n        \
             return {1}.from_wire(members[\"{0}\"], f\"{{at}}.{0}\")\n",
            variant.value,
            class_name(one, variant)
        );
    }
    let _ = writeln!(text, "    return Unknown{name}(members)");
    Ok(text)
}

fn class_name(one: &Type, variant: &Variant) -> String {
    format!("{}{}", one.name, pascal(&variant.value))
}

/// The discriminator of a class on the wire, besides its own members.
enum Tag<'a> {
    None,
    Member(&'a str, &'a str),
    Key(&'a str),
}

fn class(model: &Model, name: &str, doc: &str, tag: &Tag<'_>, all: &[Member]) -> Result<String> {
    let mut text = format!("@dataclass(frozen=True, slots=True, kw_only=True)\nclass {name}:\n");
    text.push_str(&docstring("    ", doc));
    if let Tag::Member(tag, value) = tag {
        let _ = writeln!(
            text,
            "\n    {tag}: ClassVar[Literal[\"{value}\"]] = \"{value}\""
        );
    }
    for member in all {
        let name = snake(&member.name);
        let of = hint(&member.of);
        let maybe = (member.nullable || member.optional) && member.of != Of::Any;
        let _ = match (maybe, &member.of) {
            (true, _) => writeln!(text, "\n    {name}: {of} | None = None"),
            (false, Of::Any) if member.optional => writeln!(text, "\n    {name}: {of} = None"),
            (false, _) => writeln!(text, "\n    {name}: {of}"),
        };
        text.push_str(&docstring("    ", &member.doc));
    }
    let _ = write!(
        text,
        "\n    @classmethod\n    def from_wire(cls, value: object, at: str = \"\") -> {name}:\n"
    );
    if all.is_empty() {
        text.push_str("        wire.members(value, at)\n        return cls()\n");
    } else {
        text.push_str("        members = wire.members(value, at)\n        return cls(\n");
        for member in all {
            let field = snake(&member.name);
            let name = &member.name;
            let _ = if member.of == Of::Any {
                writeln!(text, "            {field}=members.get(\"{name}\"),")
            } else {
                let how = match member.nullable || member.optional {
                    true => "optional",
                    false => "required",
                };
                let reader = reader(model, &member.of)?;
                writeln!(
                    text,
                    "            {field}=wire.{how}(members, \"{name}\", at, {reader}),"
                )
            };
        }
        text.push_str("        )\n");
    }
    text.push_str("\n    def to_wire(self) -> dict[str, Any]:\n");
    text.push_str(&writing(model, tag, all)?);
    Ok(text)
}

fn writing(model: &Model, tag: &Tag<'_>, all: &[Member]) -> Result<String> {
    let mut text = String::new();
    let mut first = Vec::new();
    if let Tag::Member(tag, _) = tag {
        first.push(format!("\"{tag}\": self.{tag}"));
    }
    let mut rest = String::new();
    for member in all {
        let value = format!("self.{}", snake(&member.name));
        let written = writer(model, &member.of, &value)?;
        let name = &member.name;
        if member.optional {
            let _ = write!(
                rest,
                "        if {value} is not None:\n            members[\"{name}\"] = {written}\n"
            );
        } else if member.nullable && written != value {
            first.push(format!(
                "\"{name}\": None if {value} is None else {written}"
            ));
        } else {
            first.push(format!("\"{name}\": {written}"));
        }
    }
    text.push_str("        members: dict[str, Any] = {");
    if first.is_empty() {
        text.push_str("}\n");
    } else {
        let _ = write!(
            text,
            "\n            {},\n        }}\n",
            first.join(",\n            ")
        );
    }
    text.push_str(&rest);
    let _ = match tag {
        Tag::Key(key) => writeln!(text, "        return {{\"{key}\": members}}"),
        _ => writeln!(text, "        return members"),
    };
    Ok(text)
}

/// Returns the class for a newer peer's value: it keeps the raw value, and does not show it.
fn unknown(one: &Type, raw: &str) -> String {
    format!(
        "@dataclass(frozen=True, slots=True)\nclass Unknown{}:\n    \
         \"\"\"Unknown to this version; kept unchanged.\"\"\"\n\n    \
         raw: {raw} = field(repr=False)\n\n    \
         def to_wire(self) -> {raw}:\n        return self.raw\n",
        one.name
    )
}

fn alias(name: &str, of: &str, doc: &str) -> String {
    format!("{name}: TypeAlias = {of}\n{}", docstring("", doc))
}

fn literal(words: &[Word]) -> String {
    let words: Vec<_> = words
        .iter()
        .map(|word| format!("\"{}\"", word.value))
        .collect();
    let line = words.join(", ");
    if line.len() < 60 {
        return format!("Literal[{line}] | str");
    }
    format!(
        "(\n    Literal[\n        {},\n    ]\n    | str\n)",
        words.join(",\n        ")
    )
}

fn docstring(indent: &str, doc: &str) -> String {
    let lines = wrap(doc, 96 - indent.len());
    let text = lines
        .join(&format!("\n{indent}"))
        .replace(&format!("\n{indent}\n"), "\n\n");
    let end = if lines.len() > 1 {
        format!("\n{indent}")
    } else {
        String::new()
    };
    format!("{indent}\"\"\"{text}{end}\"\"\"\n")
}

/// Returns the type annotation.
fn hint(of: &Of) -> String {
    match of {
        Of::String => "str".to_owned(),
        Of::Secret => "Secret".to_owned(),
        Of::Boolean => "bool".to_owned(),
        Of::Integer => "int".to_owned(),
        Of::Any => "Any".to_owned(),
        Of::AnyObject => "Mapping[str, Any]".to_owned(),
        Of::Named(name) => name.clone(),
        Of::List(of) => format!("Sequence[{}]", hint(of)),
        Of::Map(of) => format!("Mapping[str, {}]", hint(of)),
    }
}

/// Returns the function that reads a type.
pub(super) fn reader(model: &Model, of: &Of) -> Result<String> {
    Ok(match of {
        Of::String => "wire.string".to_owned(),
        Of::Secret => "wire.secret".to_owned(),
        Of::Boolean => "wire.boolean".to_owned(),
        Of::Integer => "wire.integer".to_owned(),
        Of::Any => "wire.anything".to_owned(),
        Of::AnyObject => "wire.members".to_owned(),
        Of::List(of) => format!("wire.list_of({})", reader(model, of)?),
        Of::Map(of) => format!("wire.map_of({})", reader(model, of)?),
        Of::Named(name) => {
            let one = model
                .find(name)
                .ok_or(format!("there is no type `{name}`"))?;
            match (&one.shape, free_reader(one)) {
                (Shape::Words(_), _) => "wire.string".to_owned(),
                (_, Some(reader)) => reader,
                (_, None) => format!("{name}.from_wire"),
            }
        }
    })
}

/// Returns the expression that writes a value.
fn writer(model: &Model, of: &Of, value: &str) -> Result<String> {
    Ok(match of {
        Of::String | Of::Boolean | Of::Integer | Of::Any => value.to_owned(),
        Of::Secret => format!("{value}.expose()"),
        Of::AnyObject => format!("dict({value})"),
        Of::List(of) => format!("[{} for item in {value}]", writer(model, of, "item")?),
        Of::Map(of) => {
            let item = writer(model, of, "item")?;
            format!("{{name: {item} for name, item in {value}.items()}}")
        }
        Of::Named(name) => {
            let one = model
                .find(name)
                .ok_or(format!("there is no type `{name}`"))?;
            match &one.shape {
                Shape::Words(_) | Shape::Id => value.to_owned(),
                Shape::Keyed { .. } => {
                    format!("({value} if isinstance({value}, str) else {value}.to_wire())")
                }
                Shape::Object(_) | Shape::Tagged { .. } => format!("{value}.to_wire()"),
            }
        }
    })
}
