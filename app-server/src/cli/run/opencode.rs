//! opencode is configured without a file, by `OPENCODE_CONFIG_CONTENT`, which it merges over its
//! files.

use byokey_app_server::config::{Overrides, model_of_codex};
use serde_json::{Map, Value, json};

use super::recipes::{Prepared, User};

const VARIABLE: &str = "OPENCODE_CONFIG_CONTENT";

/// Sets the provider `openai` to the gateway. A model is chosen unless the user's own variable has one:
/// codex's, or the default of the account. `-m` takes precedence over it.
pub(super) fn configure(prepared: &mut Prepared, user: &User<'_>) {
    let own = user.environment.get(VARIABLE);
    let own = own.and_then(|text| serde_json::from_str(text).ok());
    let Value::Object(mut content) = own.unwrap_or_else(|| json!({})) else {
        return;
    };
    let announced = user.announced;
    let options = json!({
        "baseURL": format!("{}/v1", announced.url),
        "apiKey": announced.bearer,
    });
    merge(
        &mut content,
        json!({"provider": {"openai": {"options": options}}}),
    );
    if !content.contains_key("model")
        && let Some(model) = model_of_codex(user.environment, &Overrides::default())
            .or_else(|| announced.default_model())
    {
        let name = format!("openai/{model}");
        // opencode's own list may not have it.
        let known = json!({"provider": {"openai": {"models": {model: {}}}}, "model": name});
        merge(&mut content, known);
        content.entry("small_model").or_insert_with(|| name.into());
    }
    let content = Value::Object(content).to_string();
    prepared.environment.push((VARIABLE, content));
}

/// Merges members over others, objects member by member.
fn merge(base: &mut Map<String, Value>, over: Value) {
    let Value::Object(over) = over else { return };
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(inner)), value @ Value::Object(_)) => merge(inner, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use byokey_app_server::config::Environment;
    use serde_json::{Value, json};

    use super::super::announced::Announced;
    use super::super::recipes::{Prepared, User};
    use super::{VARIABLE, configure};

    fn configured(own: &str) -> Value {
        let mut prepared = Prepared {
            arguments: Vec::new(),
            environment: Vec::new(),
        };
        let user = User {
            announced: &Announced::fake(),
            environment: &Environment::of([(VARIABLE, own)]),
        };
        configure(&mut prepared, &user);
        let [(VARIABLE, content)] = prepared.environment.as_slice() else {
            panic!("one variable: {prepared:?}");
        };
        serde_json::from_str(content).unwrap()
    }

    #[test]
    fn the_users_own_configuration_is_kept() {
        let own = json!({
            "theme": "x", "model": "openai/own",
            "provider": {"other": {"a": 1}, "openai": {"options": {"baseURL": "y", "timeout": 7}}},
        });
        let merged = configured(&own.to_string());
        assert_eq!(merged["theme"], "x");
        assert_eq!(merged["model"], "openai/own");
        assert_eq!(merged["provider"]["other"], json!({"a": 1}));
        assert_eq!(
            merged["provider"]["openai"]["options"],
            json!({"baseURL": "http://127.0.0.1:8455/v1", "apiKey": "at-made-up", "timeout": 7})
        );
        assert!(configured("not json")["provider"]["openai"].is_object());
    }
}
