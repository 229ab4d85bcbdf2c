//! All client messages according to the generated schema, with a canary in each text. Texts added
//! to the schema are included.

use serde_json::{Map, Value, json};

use crate::MadeUp;
use crate::fake_secrets::Random;
use crate::messages::{Schemas, known_word};

/// A message of a client.
#[derive(Clone, Debug)]
pub struct Filled {
    /// The method; of the request, if it is an answer.
    pub method: String,
    /// The kind of message, in the schema's words.
    pub direction: String,
    /// Its parameters, or the answer.
    pub value: Value,
    /// The canaries in it.
    pub planted: Vec<Planted>,
}

/// A canary, and where it is.
#[derive(Clone, Debug)]
pub struct Planted {
    /// Method and members.
    pub place: String,
    /// The canary.
    pub text: String,
    /// Whether the schema marks it as a secret.
    pub is_secret: bool,
}

/// Returns all client messages, in as many variants as needed to fill every text. The same label
/// gives the same canaries.
#[must_use]
pub fn of_client(label: &str) -> Vec<Filled> {
    let schemas = Schemas::read();
    let mut messages = Vec::new();
    for method in schemas.methods() {
        let text = |member: &str| method[member].as_str().unwrap_or_default().to_owned();
        let schema = match &*text("x-direction") {
            "clientRequest" | "clientNotification" => &method["x-params"],
            "serverRequest" => &method["result"]["schema"],
            _ => continue,
        };
        for variant in 0..schemas.variants(schema) {
            let mut planting = Planting {
                schemas: &schemas,
                label: format!("{label}-{variant}"),
                variant,
                planted: Vec::new(),
            };
            messages.push(Filled {
                method: text("name"),
                direction: text("x-direction"),
                value: planting.fill(schema, text("name")),
                planted: planting.planted,
            });
        }
    }
    messages
}

/// Builds one variant of one message.
struct Planting<'a> {
    schemas: &'a Schemas,
    label: String,
    variant: usize,
    planted: Vec<Planted>,
}

impl Planting<'_> {
    fn fill(&mut self, schema: &Value, place: String) -> Value {
        let forms = self.schemas.forms(schema);
        let Some(form) = forms.get(self.variant % forms.len().max(1)) else {
            return Value::Null;
        };
        if let Some(word) = known_word(form) {
            return word.clone();
        }
        let kind = &form["type"];
        match kind.as_str().or_else(|| kind[0].as_str()) {
            Some("object") => self.members(form, &place),
            // One element of each form.
            Some("array") => {
                let (all, own) = (self.schemas.forms(&form["items"]).len(), self.variant);
                let elements = (0..all).map(|variant| {
                    self.variant = variant;
                    self.fill(&form["items"], format!("{place}[]"))
                });
                let elements = elements.collect();
                self.variant = own;
                elements
            }
            // Long enough for a deadline.
            Some("integer" | "number") => json!(1_000),
            Some("boolean") => json!(true),
            // A text is valid where any value is.
            _ => self.plant(form["x-sensitive"] == true, place),
        }
    }

    fn members(&mut self, form: &Value, place: &str) -> Value {
        let mut members = Map::new();
        for (name, schema) in form["properties"].as_object().into_iter().flatten() {
            let value = self.fill(schema, format!("{place}.{name}"));
            members.insert(name.clone(), value);
        }
        if form["additionalProperties"] != Value::Null && form["additionalProperties"] != false {
            let value = self.fill(&form["additionalProperties"], format!("{place}.*"));
            members.insert("made-up".to_owned(), value);
        }
        Value::Object(members)
    }

    fn plant(&mut self, is_secret: bool, place: String) -> Value {
        let label = format!("{}-{place}", self.label);
        // Tokens must be valid to get anywhere.
        let text = if is_secret {
            MadeUp::jwt(&label, 200).text
        } else {
            Random::of(&label).text(40)
        };
        self.planted.push(Planted {
            place,
            text: text.clone(),
            is_secret,
        });
        json!(text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use byokey_protocol::secret::SENSITIVE_MEMBERS;

    use super::of_client;

    #[test]
    fn every_text_has_its_canary() {
        let messages = of_client("unit");
        let meta = include_str!("../../schema/v1/meta.json");
        let meta: serde_json::Value = serde_json::from_str(meta).unwrap();
        for method in meta["methods"].as_array().unwrap() {
            let name = method["name"].as_str().unwrap();
            let is_of_client = method["direction"] != "serverNotification";
            assert_eq!(
                messages.iter().any(|it| it.method == name),
                is_of_client,
                "{name}"
            );
        }
        let planted: Vec<_> = messages.iter().flat_map(|it| &it.planted).collect();
        let places: BTreeSet<_> = planted.iter().map(|it| it.place.as_str()).collect();
        for place in [
            "initialize.clientInfo.name",
            "initialize.capabilities.optOutNotificationMethods[]",
            "account/login/start.chatgptAccountId",
            "thread/start.config.*",
            "turn/start.input[].text",
            "$/cancelRequest.id",
            "account/chatgptAuthTokens/refresh.idToken",
        ] {
            assert!(places.contains(place), "{place} is not in {places:?}");
        }
        let secret = planted.iter().filter(|it| it.is_secret);
        let secret: BTreeSet<_> = secret
            .filter_map(|it| it.place.rsplit('.').next())
            .collect();
        // Only the server sends these.
        let of_server = ["authToken", "bearer"];
        let sent = SENSITIVE_MEMBERS
            .iter()
            .filter(|it| !of_server.contains(it));
        assert_eq!(secret, sent.copied().collect());
        let texts: BTreeSet<_> = planted.iter().map(|it| &it.text).collect();
        assert_eq!(texts.len(), planted.len(), "each is there once");
    }
}
