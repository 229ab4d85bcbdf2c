//! Converts JSON Schema to the shapes of the model.

use serde_json::Value;

use super::{Member, Of, Shape, Type, Variant, Word};
use crate::Result;
use crate::collect::referenced;

/// Reads the schema of a named type.
pub(super) fn named(name: &str, schema: &Value) -> Result<Type> {
    let shape = shape(schema).map_err(|problem| format!("`{name}`: {problem}"))?;
    Ok(Type {
        name: name.to_owned(),
        doc: doc(schema),
        shape,
    })
}

fn shape(schema: &Value) -> Result<Shape> {
    if let Some(alternatives) = schema["oneOf"].as_array() {
        return one_of(alternatives);
    }
    if schema["anyOf"].is_array() {
        return Ok(Shape::Id);
    }
    if schema["type"] == "string" {
        let values = schema["enum"].as_array().ok_or("a string without values")?;
        let words = values.iter().map(|value| Word {
            value: value.as_str().unwrap_or_default().to_owned(),
            doc: String::new(),
        });
        return Ok(Shape::Words(words.collect()));
    }
    Ok(Shape::Object(members(schema, None)?))
}

fn one_of(alternatives: &[Value]) -> Result<Shape> {
    let (mut words, mut variants, mut tag) = (Vec::new(), Vec::new(), None);
    for alternative in alternatives {
        let doc = doc(alternative);
        if let Some(value) = alternative["const"].as_str() {
            let value = value.to_owned();
            words.push(Word { value, doc });
            continue;
        }
        let properties = alternative["properties"].as_object();
        let properties = properties.ok_or("an alternative is neither a string nor an object")?;
        let tagged = properties
            .iter()
            .find(|(_, schema)| schema["const"].is_string());
        let (value, members) = if let Some((name, schema)) = tagged {
            tag = Some(name.clone());
            let value = schema["const"].as_str().unwrap_or_default();
            (value.to_owned(), members(alternative, Some(name))?)
        } else {
            let mut properties = properties.iter();
            let (Some((name, schema)), None) = (properties.next(), properties.next()) else {
                return Err("an alternative has no tag and several members".to_owned());
            };
            (name.clone(), members(schema, None)?)
        };
        variants.push(Variant {
            value,
            doc,
            members,
        });
    }
    Ok(match tag {
        Some(tag) if words.is_empty() => Shape::Tagged { tag, variants },
        Some(_) => return Err("some alternatives have a tag, others are strings".to_owned()),
        None if variants.is_empty() => Shape::Words(words),
        None => Shape::Keyed { words, variants },
    })
}

fn members(schema: &Value, tag: Option<&str>) -> Result<Vec<Member>> {
    let required: Vec<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut members = Vec::new();
    for (name, schema) in properties.filter(|(name, _)| Some(name.as_str()) != tag) {
        let (of, nullable) = of(schema).map_err(|problem| format!("`{name}`: {problem}"))?;
        members.push(Member {
            name: name.clone(),
            doc: doc(schema),
            range: (of == Of::Integer).then(|| text(schema, "format")),
            of,
            nullable,
            optional: !required.contains(&&Value::from(name.as_str())),
        });
    }
    Ok(members)
}

/// Returns the type of a member, and whether it is nullable.
fn of(schema: &Value) -> Result<(Of, bool)> {
    if let Some(name) = referenced(&schema["$ref"]) {
        return Ok((Of::Named(name.to_owned()), false));
    }
    if let Some([held, Value::Object(null)]) = schema["anyOf"].as_array().map(Vec::as_slice)
        && null.get("type").is_some_and(|kind| kind == "null")
    {
        return Ok((of(held)?.0, true));
    }
    let (kind, nullable) = match &schema["type"] {
        Value::Array(kinds) => match kinds.as_slice() {
            [Value::String(kind), Value::String(null)] if null == "null" => (kind.as_str(), true),
            _ => return Err("several types".to_owned()),
        },
        Value::String(kind) => (kind.as_str(), false),
        _ => return Ok((Of::Any, true)),
    };
    let of = match kind {
        "string" if schema["x-sensitive"] == true => Of::Secret,
        "string" => Of::String,
        "boolean" => Of::Boolean,
        "integer" => Of::Integer,
        "array" => Of::List(Box::new(of(&schema["items"])?.0)),
        "object" => match &schema["additionalProperties"] {
            Value::Bool(true) => Of::AnyObject,
            values => Of::Map(Box::new(of(values)?.0)),
        },
        other => return Err(format!("the type {other} is not used on the wire so far")),
    };
    Ok((of, nullable))
}

fn doc(schema: &Value) -> String {
    text(schema, "description")
}

fn text(schema: &Value, name: &str) -> String {
    schema[name].as_str().unwrap_or_default().to_owned()
}
