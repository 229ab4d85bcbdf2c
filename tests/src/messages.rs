//! All client messages according to the generated schema, with a gap at each place of a value.

use std::path::Path;

use serde_json::{Map, Value, json};

/// Deeper than any message.
const DEEPEST: usize = 6;

/// A method, and its parameters with one gap in them.
#[derive(Clone, Debug)]
pub struct Gapped {
    /// The method.
    pub method: String,
    /// Whether it is answered.
    pub is_request: bool,
    params: Template,
}

/// A value with one gap.
#[derive(Clone, Debug)]
enum Template {
    Gap,
    Member(Map<String, Value>, String, Box<Self>),
    Item(Box<Self>),
}

impl Gapped {
    /// Returns the parameters with this value in the gap.
    #[must_use]
    pub fn params(&self, value: Value) -> Value {
        self.params.with(value)
    }

    /// Returns the member at the gap; none in a list.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        let mut template = &self.params;
        let mut member = None;
        loop {
            (member, template) = match template {
                Template::Gap => return member,
                Template::Member(_, name, inner) => (Some(name.as_str()), inner),
                Template::Item(inner) => (None, inner),
            };
        }
    }
}

impl Template {
    fn with(&self, value: Value) -> Value {
        match self {
            Self::Gap => value,
            Self::Member(others, name, inner) => {
                let mut members = others.clone();
                members.insert(name.clone(), inner.with(value));
                Value::Object(members)
            }
            Self::Item(inner) => json!([inner.with(value)]),
        }
    }
}

/// The generated schema.
pub(crate) struct Schemas(Value);

/// Returns every method of the client, with a gap at each place of its parameters.
///
/// # Panics
///
/// When the generated schema has another form.
#[must_use]
pub fn of_client() -> Vec<Gapped> {
    let schemas = Schemas::read();
    let of_client = schemas.methods().filter_map(|method| {
        let direction = method["x-direction"].as_str()?;
        direction
            .starts_with("client")
            .then_some((method, direction))
    });
    let gapped = of_client.flat_map(|(method, direction)| {
        let name = method["name"].as_str().expect("a name");
        let templates = schemas.templates(&method["x-params"], 0);
        templates.into_iter().map(move |params| Gapped {
            method: name.to_owned(),
            is_request: direction == "clientRequest",
            params,
        })
    });
    gapped.collect()
}

impl Schemas {
    pub(crate) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/v1/openrpc.json");
        let text = std::fs::read_to_string(path).expect("the generated schema");
        Self(serde_json::from_str(&text).expect("JSON"))
    }

    pub(crate) fn methods(&self) -> impl Iterator<Item = &Value> {
        self.0["methods"].as_array().expect("a list").iter()
    }

    /// Returns how many variants are needed for each value in a message to have each of its forms
    /// once.
    pub(crate) fn variants(&self, schema: &Value) -> usize {
        let forms = self.forms(schema);
        let members = forms
            .iter()
            .filter_map(|form| form["properties"].as_object());
        let inner = members.flatten().map(|(_, member)| self.variants(member));
        inner.max().unwrap_or(1).max(forms.len())
    }

    /// Returns the forms of a value, without null.
    pub(crate) fn forms<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        if let Some(name) = schema["$ref"].as_str() {
            let path = name.trim_start_matches('#');
            return self.forms(self.0.pointer(path).expect("what is referred to"));
        }
        let choices = ["oneOf", "anyOf", "allOf"].map(|kind| schema[kind].as_array());
        match choices.into_iter().flatten().next() {
            Some(choices) => {
                let known = choices.iter().filter(|it| it["x-open"] != true);
                known.flat_map(|it| self.forms(it)).collect()
            }
            None if schema["type"] == "null" => Vec::new(),
            None => vec![schema],
        }
    }

    fn templates(&self, schema: &Value, depth: usize) -> Vec<Template> {
        let mut templates = vec![Template::Gap];
        if depth == DEEPEST {
            return templates;
        }
        for form in self.forms(schema) {
            for (name, member) in form["properties"].as_object().into_iter().flatten() {
                let mut others = self.required(form);
                others.remove(name);
                for inner in self.templates(member, depth + 1) {
                    let inner = Box::new(inner);
                    templates.push(Template::Member(others.clone(), name.clone(), inner));
                }
            }
            if form.get("items").is_some() {
                let items = self.templates(&form["items"], depth + 1);
                templates.extend(
                    items
                        .into_iter()
                        .map(|inner| Template::Item(Box::new(inner))),
                );
            }
        }
        templates
    }

    /// Returns the required members, with valid values.
    fn required(&self, form: &Value) -> Map<String, Value> {
        let names = form["required"].as_array().into_iter().flatten();
        let names = names.filter_map(Value::as_str);
        names
            .map(|name| (name.to_owned(), self.sample(&form["properties"][name])))
            .collect()
    }

    fn sample(&self, schema: &Value) -> Value {
        let forms = self.forms(schema);
        let Some(form) = forms.first() else {
            return Value::Null;
        };
        if let Some(word) = known_word(form) {
            return word.clone();
        }
        let kind = &form["type"];
        match kind.as_str().or_else(|| kind[0].as_str()) {
            Some("object") => Value::Object(self.required(form)),
            Some("array") => json!([]),
            Some("integer" | "number") => json!(1),
            Some("boolean") => json!(true),
            _ => json!("made-up"),
        }
    }
}

/// Returns the first known word of a form, if it has words.
pub(crate) fn known_word(form: &Value) -> Option<&Value> {
    let word = form
        .pointer("/enum/0")
        .or_else(|| form.pointer("/x-known-values/0"));
    word.or_else(|| form.get("const"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn each_member_has_its_gap() {
        let all = super::of_client();
        let has = |method: &str, params: serde_json::Value| {
            let mut of_method = all.iter().filter(|gapped| gapped.method == method);
            of_method.any(|gapped| gapped.params(json!("gap")) == params)
        };
        assert!(has("account/read", json!("gap")));
        let key = json!({"type": "apiKey", "apiKey": "gap"});
        assert!(has("account/login/start", key));
        let input = json!([{"type": "text", "text": "gap"}]);
        assert!(has(
            "turn/start",
            json!({"threadId": "made-up", "input": input})
        ));
        assert!(has("$/cancelRequest", json!({"id": "gap"})));
        assert!(all.len() > 60, "{}", all.len());
    }
}
