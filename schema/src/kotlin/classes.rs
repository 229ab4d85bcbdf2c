//! Kotlin classes that read themselves from JSON and write themselves.

use std::fmt::Write as _;

use crate::model::{Member, Of, Shape, Type, Variant, Word};
use crate::names::{camel, pascal};
use crate::prose::{block_comment, with_note};

const NEWER: &str = "A newer peer may use others; they are kept unchanged.";

/// Returns a type with all its declarations.
pub(super) fn of_type(one: &Type) -> String {
    let name = &one.name;
    match &one.shape {
        Shape::Object(members) => class("", &Class::own(name), &one.doc, members),
        Shape::Words(words) => {
            let text = block_comment("", &with_note(&one.doc, NEWER))
                + "@JvmInline\n"
                + &format!("public value class {name}(public val value: String) : WireType {{\n")
                + "    override fun toJson(): JsonValue = JsonString(value)\n\n"
                + "    public companion object {\n"
                + &constants(name, words);
            text + &reader(
                "        ",
                name,
                "json",
                &format!("{name}(readString(json, at))"),
            ) + "    }\n}\n"
        }
        Shape::Id => id(one),
        Shape::Tagged { tag, variants } => {
            let mut text = sealed(one);
            for variant in variants {
                let variant_name = pascal(&variant.value);
                let tag = Tag::Member(tag, &variant.value);
                let class_of = Class {
                    name: &variant_name,
                    of: Some(name),
                    tag,
                };
                text.push_str(&class("    ", &class_of, &variant.doc, &variant.members));
                text.push('\n');
            }
            text.push_str(&unknown(name));
            let mut body = format!("when (readTag(json, \"{tag}\", at)) {{\n");
            for variant in variants {
                let variant_name = pascal(&variant.value);
                let value = &variant.value;
                let _ = writeln!(
                    body,
                    "                \"{value}\" -> {variant_name}.fromJson(json, at)"
                );
            }
            body.push_str("                else -> Unknown(json)\n            }");
            text.push_str("\n    public companion object {\n");
            text.push_str(&reader("        ", name, "json", &body));
            text + "    }\n}\n"
        }
        Shape::Keyed { words, variants } => keyed(one, words, variants),
    }
}

fn keyed(one: &Type, words: &[Word], variants: &[Variant]) -> String {
    let name = &one.name;
    let mut text = sealed(one);
    text.push_str("    /** One without details. */\n    @JvmInline\n");
    let _ = writeln!(
        text,
        "    public value class Word(public val value: String) : {name} {{\n        \
         override fun toJson(): JsonValue = JsonString(value)\n    }}\n"
    );
    for variant in variants {
        let variant_name = pascal(&variant.value);
        let tag = Tag::Key(&variant.value);
        let class_of = Class {
            name: &variant_name,
            of: Some(name),
            tag,
        };
        text.push_str(&class("    ", &class_of, &variant.doc, &variant.members));
        text.push('\n');
    }
    text.push_str(&unknown(name));
    text.push_str("\n    public companion object {\n");
    text.push_str(&constants("Word", words));
    let mut body = "when {\n                json is JsonString -> Word(json.value)\n".to_owned();
    for variant in variants {
        let _ = writeln!(
            body,
            "                hasMember(json, \"{0}\") ->\n                    \
             {1}.fromJson(readMember(json, \"{0}\"), \"$at.{0}\")",
            variant.value,
            pascal(&variant.value)
        );
    }
    body.push_str("                else -> Unknown(json)\n            }");
    text.push_str(&reader("        ", name, "json", &body));
    text + "    }\n}\n"
}

fn sealed(one: &Type) -> String {
    let doc = block_comment("", &with_note(&one.doc, NEWER));
    format!("{doc}public sealed interface {} : WireType {{\n", one.name)
}

fn unknown(name: &str) -> String {
    format!(
        "    /** What this version has no name for; it is kept as it came. */\n    \
         public class Unknown(public val raw: JsonValue) : {name} {{\n        \
         override fun toJson(): JsonValue = raw\n\n        \
         override fun equals(other: Any?): Boolean = other is Unknown && other.raw == raw\n\n        \
         override fun hashCode(): Int = raw.hashCode()\n\n        \
         override fun toString(): String = \"{name}.Unknown\"\n    }}\n"
    )
}

fn id(one: &Type) -> String {
    let name = &one.name;
    let mut text = block_comment("", &one.doc);
    let _ = writeln!(text, "public sealed interface {name} : WireType {{");
    for (variant, of, doc, write) in [
        ("Text", "String", "Any string.", "JsonString(value)"),
        (
            "Number",
            "Long",
            "A whole number.",
            "JsonNumber(value.toString())",
        ),
    ] {
        let _ = writeln!(
            text,
            "    /** {doc} */\n    @JvmInline\n    \
             public value class {variant}(public val value: {of}) : {name} {{\n        \
             override fun toJson(): JsonValue = {write}\n    }}\n"
        );
    }
    text.push_str("    public companion object {\n");
    let body = "if (json is JsonString) Text(json.value) else Number(readLong(json, at))";
    text + &reader("        ", name, "json", body) + "    }\n}\n"
}

fn constants(class: &str, words: &[Word]) -> String {
    let mut text = String::new();
    for word in words {
        text.push_str(&block_comment("        ", &word.doc));
        let value = &word.value;
        let name = pascal(value);
        let _ = writeln!(
            text,
            "        public val {name}: {class} = {class}(\"{value}\")\n"
        );
    }
    text
}

fn reader(indent: &str, name: &str, json: &str, body: &str) -> String {
    format!(
        "{indent}/** Reads it; `at` is its path for errors. */\n\
         {indent}public fun fromJson({json}: JsonValue, at: String = \"\"): {name} =\n\
         {indent}    {body}\n"
    )
}

struct Class<'a> {
    name: &'a str,
    of: Option<&'a str>,
    tag: Tag<'a>,
}

enum Tag<'a> {
    None,
    Member(&'a str, &'a str),
    Key(&'a str),
}

impl<'a> Class<'a> {
    const fn own(name: &'a str) -> Self {
        Self {
            name,
            of: None,
            tag: Tag::None,
        }
    }
}

/// Returns a class with these members. One without members is not a `object`, so that it may get some.
fn class(indent: &str, class: &Class<'_>, doc: &str, members: &[Member]) -> String {
    let name = class.name;
    let parent = class.of.unwrap_or("WireType");
    let mut text = block_comment("", doc);
    if members.is_empty() {
        let _ = writeln!(text, "public class {name} : {parent} {{");
    } else {
        let _ = writeln!(text, "public data class {name}(");
        for member in members {
            text.push_str(&block_comment("    ", &member.doc));
            let maybe = member.nullable || member.optional;
            let maybe = if maybe { "? = null" } else { "" };
            let (member, of) = (camel(&member.name), type_of(&member.of));
            let _ = writeln!(text, "    public val {member}: {of}{maybe},");
        }
        let _ = writeln!(text, ") : {parent} {{");
    }
    text.push_str(&writing(&class.tag, members));
    if members.is_empty() {
        let _ = write!(
            text,
            "\n    override fun equals(other: Any?): Boolean = other is {name}\n\n    \
             override fun hashCode(): Int = 0\n\n    \
             override fun toString(): String = \"{name}()\"\n"
        );
    }
    text.push_str("\n    public companion object {\n");
    text.push_str(&reading(name, members));
    text.push_str("    }\n}\n");
    let lines = text.lines().map(|line| match line {
        "" => String::new(),
        line => format!("{indent}{line}"),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn writing(tag: &Tag<'_>, members: &[Member]) -> String {
    let wrapped = matches!(tag, Tag::Key(_));
    let mut puts = String::new();
    if let Tag::Member(tag, value) = tag {
        let _ = writeln!(puts, "        put(\"{tag}\", JsonString(\"{value}\"))");
    }
    for member in members {
        let name = &member.name;
        let value = camel(name);
        let maybe = member.nullable || member.optional;
        let written = match (&member.of, maybe) {
            (Of::Any, _) => value,
            (Of::Named(_), true) => format!("{value}?.toJson()"),
            (of, true) => format!("{value}?.let {{ {} }}", writer(of, "it")),
            (of, false) => writer(of, &value),
        };
        let put = match (member.optional, maybe) {
            (true, _) => "putIfThere",
            (false, true) => "putOrNull",
            (false, false) => "put",
        };
        let _ = writeln!(puts, "        {put}(\"{name}\", {written})");
    }
    let body = match (puts.is_empty(), tag) {
        (true, _) => "writeObject {}".to_owned(),
        (false, Tag::Key(key)) => {
            format!(
                "writeObject {{\n        put(\"{key}\", writeObject {{\n{puts}        }})\n    }}"
            )
        }
        (false, _) => format!("writeObject {{\n{puts}    }}"),
    };
    let body = if wrapped {
        body.replace("\n        put", "\n            put")
    } else {
        body
    };
    let body = body.replacen("\n            put(", "\n        put(", usize::from(wrapped));
    format!("    override fun toJson(): JsonValue = {body}\n")
}

fn reading(name: &str, members: &[Member]) -> String {
    if members.is_empty() {
        let body = format!("readMembers(json, at).let {{ {name}() }}");
        return reader("        ", name, "json", &body);
    }
    let mut body = format!("with(readMembers(json, at)) {{\n                {name}(\n");
    for member in members {
        let how = if member.nullable || member.optional {
            "optional"
        } else {
            "required"
        };
        let wire = &member.name;
        let (field, read) = (camel(wire), read(&member.of));
        let _ = writeln!(
            body,
            "                    {field} = {how}(\"{wire}\", {read}),"
        );
    }
    body.push_str("                )\n            }");
    reader("        ", name, "json", &body)
}

fn type_of(of: &Of) -> String {
    match of {
        Of::String => "String".to_owned(),
        Of::Secret => "Secret".to_owned(),
        Of::Boolean => "Boolean".to_owned(),
        Of::Integer => "Long".to_owned(),
        Of::Any => "JsonValue".to_owned(),
        Of::AnyObject => "JsonObject".to_owned(),
        Of::Named(name) => name.clone(),
        Of::List(of) => format!("List<{}>", type_of(of)),
        Of::Map(of) => format!("Map<String, {}>", type_of(of)),
    }
}

/// Returns the function that reads a type.
fn read(of: &Of) -> String {
    match of {
        Of::String => "::readString".to_owned(),
        Of::Secret => "::readSecret".to_owned(),
        Of::Boolean => "::readBoolean".to_owned(),
        Of::Integer => "::readLong".to_owned(),
        Of::Any => "::readAny".to_owned(),
        Of::AnyObject => "::readObject".to_owned(),
        Of::Named(name) => format!("{name}.Companion::fromJson"),
        Of::List(of) => format!("readList({})", read(of)),
        Of::Map(of) => format!("readMap({})", read(of)),
    }
}

/// Returns the expression that writes a value.
fn writer(of: &Of, value: &str) -> String {
    match of {
        Of::String => format!("JsonString({value})"),
        Of::Secret => format!("JsonString({value}.expose())"),
        Of::Boolean => format!("JsonBoolean({value})"),
        Of::Integer => format!("JsonNumber({value}.toString())"),
        Of::Any | Of::AnyObject => value.to_owned(),
        Of::Named(_) => format!("{value}.toJson()"),
        Of::List(of) => format!("writeList({value}) {{ {} }}", writer(of, "it")),
        Of::Map(of) => format!("writeMap({value}) {{ {} }}", writer(of, "it")),
    }
}
