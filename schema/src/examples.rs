//! The examples of every method, from the files in `schema/examples/`.

use std::collections::BTreeMap;
use std::path::Path;

use byokey_protocol::methods::METHODS;
use serde_json::Value;

use crate::Result;

/// One example of a method.
#[derive(Clone, Debug)]
pub struct Example {
    /// Its title.
    pub title: String,
    /// Its parameters.
    pub params: Value,
    /// The result, for requests.
    pub result: Option<Value>,
}

/// Examples by the name of their method.
pub type Examples = BTreeMap<String, Vec<Example>>;

/// Reads all examples.
///
/// # Errors
///
/// A file cannot be read or has another form, a method has no example, or an example has no method.
pub fn read() -> Result<Examples> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut examples = Examples::new();
    let unreadable = |error| format!("the examples cannot be read: {error}");
    for file in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = file.map_err(unreadable)?.path();
        let name = path.display();
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        let methods: BTreeMap<String, Vec<Value>> =
            serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
        for (method, values) in methods {
            let known = METHODS.iter().find(|known| known.name == method);
            let answered = known
                .ok_or(format!("{name}: there is no method `{method}`"))?
                .result;
            let parsed = values
                .into_iter()
                .map(|value| example(value, answered.is_some()));
            let parsed = parsed
                .collect::<Option<Vec<_>>>()
                .filter(|parsed| !parsed.is_empty());
            let parsed =
                parsed.ok_or(format!("{name}: the examples of `{method}` are malformed"))?;
            if examples.insert(method.clone(), parsed).is_some() {
                return Err(format!(
                    "{name}: `{method}` has examples in another file too"
                ));
            }
        }
    }
    match METHODS
        .iter()
        .find(|method| !examples.contains_key(method.name))
    {
        Some(method) => Err(format!(
            "`{}` has no example in schema/examples/",
            method.name
        )),
        None => Ok(examples),
    }
}

fn example(value: Value, answered: bool) -> Option<Example> {
    let Value::Object(mut parts) = value else {
        return None;
    };
    let title = parts.remove("title")?.as_str()?.to_owned();
    let params = parts.remove("params")?;
    let result = parts.remove("result");
    let whole = parts.is_empty() && result.is_some() == answered;
    whole.then_some(Example {
        title,
        params,
        result,
    })
}
