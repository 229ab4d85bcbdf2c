//! The list of models, for clients of the API: `data` beside `models`, which codex reads.

use serde_json::{Map, Value, json};

/// Returns the list with `data` as in the API, made of the members of `models`; `None` if it has
/// that already, or is not a list of models.
pub(super) fn with_data(list: &[u8]) -> Option<Vec<u8>> {
    let mut list: Map<String, Value> = serde_json::from_slice(list).ok()?;
    if list.contains_key("data") {
        return None;
    }
    let models = list.get("models")?.as_array()?;
    let name = |model: &Value| {
        ["slug", "id"]
            .iter()
            .find_map(|name| model.get(name)?.as_str().map(str::to_owned))
    };
    let entry =
        |name: String| json!({"id": name, "object": "model", "created": 0, "owned_by": "openai"});
    let data: Vec<_> = models.iter().filter_map(name).map(entry).collect();
    list.insert("object".to_owned(), Value::from("list"));
    list.insert("data".to_owned(), Value::from(data));
    serde_json::to_vec(&list).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codex_and_sdks_read_the_same_list() {
        let list = br#"{"models":[{"slug":"a","id":"b","more":1},{"id":"c"},{},7]}"#;
        let list: Value = serde_json::from_slice(&with_data(list).unwrap()).unwrap();
        assert_eq!(list["models"][0]["more"], 1);
        assert_eq!(list["object"], "list");
        let ids: Vec<_> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["id"].clone())
            .collect();
        assert_eq!(ids, ["a", "c"]);
        for other in [&br#"{"data":[{"id":"a"}]}"#[..], b"[]", b"{}", b"not JSON"] {
            assert_eq!(with_data(other), None);
        }
    }
}
