//! The meaning of each text, and its replacement.

use byokey_protocol::secret::Secret;
use serde_json::{Value, json};

use super::{Content, read, write};
use crate::{ManagedTokens, Saving, Stored};

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn codexs() -> Value {
    json!({
        "auth_mode": "chatgpt", "OPENAI_API_KEY": "sk-made-up",
        "tokens": {
            "id_token": "id-made-up", "access_token": "access-made-up",
            "refresh_token": "rt-made-up", "account_id": "ws-1", "future": [1],
        },
        "last_refresh": "2026-02-01T12:00:00.123456789Z",
        "future": {"a": 1},
    })
}

fn managed(content: Content) -> ManagedTokens {
    match content {
        Content::Known(Stored::Managed(tokens)) => tokens,
        other => panic!("no login: {other:?}"),
    }
}

// Row: the file
#[test]
fn a_renewal_keeps_what_is_not_known_here() {
    let mut tokens = managed(read(&text(&codexs())));
    assert_eq!(tokens.obtained_at, Some(1_769_947_200));
    tokens.refresh_token = Some(Secret::from("rt-next"));
    let kept = Stored::Managed(tokens);
    let written = write(Some(&text(&codexs())), &kept, Saving::Renewal).unwrap();
    let mut expected = codexs();
    expected["tokens"]["refresh_token"] = "rt-next".into();
    expected["last_refresh"] = "2026-02-01T12:00:00Z".into();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written, expected);
}

#[test]
fn what_belongs_to_an_earlier_login_does_not_outlive_it() {
    let tokens = managed(read(&text(&codexs())));
    let kept = Stored::Managed(tokens);
    let written = write(Some(&text(&codexs())), &kept, Saving::Login).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["OPENAI_API_KEY"], Value::Null);
    assert!(written["tokens"].get("future").is_none());
    assert_eq!(written["tokens"]["refresh_token"], "rt-made-up");
    assert_eq!(written["future"], json!({"a": 1}), "this one is nobody's");
}

#[test]
fn each_kind_has_codexs_shape() {
    let written = |stored| -> Value {
        serde_json::from_slice(&write(Some(&text(&codexs())), &stored, Saving::Login).unwrap())
            .unwrap()
    };
    assert_eq!(
        written(Stored::ApiKey(Secret::from("sk-new"))),
        json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-new", "future": {"a": 1}})
    );
    assert_eq!(
        written(Stored::PersonalAccessToken(Secret::from("at-new"))),
        json!({
            "OPENAI_API_KEY": null, "personal_access_token": "at-new", "future": {"a": 1},
        })
    );
}

#[test]
fn blank_is_absent_and_white_space_around_a_value_is_dropped() {
    for key in ["", " ", "\t\r\n"] {
        let mut cleared = codexs();
        cleared.as_object_mut().unwrap().remove("auth_mode");
        cleared["OPENAI_API_KEY"] = key.into();
        cleared["tokens"]["refresh_token"] = key.into();
        cleared["tokens"]["access_token"] = format!("{key}access-made-up{key}").into();
        let tokens = managed(read(&text(&cleared)));
        assert_eq!(tokens.access_token.expose(), "access-made-up");
        assert!(tokens.refresh_token.is_none());
        let blank = json!({"id_token": key, "access_token": key, "refresh_token": key});
        for tokens in [blank, json!({}), json!(null)] {
            cleared["tokens"] = tokens;
            assert!(matches!(read(&text(&cleared)), Content::Empty), "{cleared}");
        }
    }
    let key = read(&text(
        &json!({"auth_mode": " ", "OPENAI_API_KEY": " sk-x\n"}),
    ));
    assert!(matches!(key, Content::Known(Stored::ApiKey(key)) if key.expose() == "sk-x"));
    let mut odd = codexs();
    odd["last_refresh"] = 1.into();
    odd["tokens"]["account_id"] = json!(["ws-1"]);
    let tokens = managed(read(&text(&odd)));
    assert_eq!((tokens.obtained_at, tokens.account_id), (None, None));
}

#[test]
fn a_blank_file_has_no_login_and_takes_one() {
    for blank in ["", " \r\n", "\u{feff}", "\u{feff}\n"] {
        assert!(
            matches!(read(blank.as_bytes()), Content::Empty),
            "{blank:?}"
        );
        let key = Stored::ApiKey(Secret::from("sk-x"));
        let written = write(Some(blank.as_bytes()), &key, Saving::Login).unwrap();
        assert!(matches!(read(&written), Content::Known(Stored::ApiKey(_))));
    }
}

#[test]
fn byte_order_marks_are_decoded() {
    let plain = codexs().to_string();
    let utf16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let marked = format!("\u{feff}{plain}");
        marked.encode_utf16().flat_map(order).collect()
    };
    for marked in [
        format!("\u{feff}{plain}").into_bytes(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
    ] {
        let tokens = managed(read(&marked));
        assert_eq!(tokens.access_token.expose(), "access-made-up");
        let kept = Stored::Managed(tokens);
        let written = write(Some(&marked), &kept, Saving::Renewal).unwrap();
        let written: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(written["future"], json!({"a": 1}));
    }
    let odd = [0xff, 0xfe, b'{', 0, b'}'];
    assert!(matches!(read(&odd), Content::Corrupt));
}

#[test]
fn the_mode_is_inferred_where_it_is_absent() {
    let known = |value| read(&text(&value));
    assert!(matches!(
        known(json!({"OPENAI_API_KEY": null, "personal_access_token": "at-x"})),
        Content::Known(Stored::PersonalAccessToken(_))
    ));
    assert!(matches!(
        known(json!({"OPENAI_API_KEY": "sk-x"})),
        Content::Known(Stored::ApiKey(_))
    ));
    let mut older = codexs();
    older.as_object_mut().unwrap().remove("auth_mode");
    older["OPENAI_API_KEY"] = Value::Null;
    assert!(matches!(known(older), Content::Known(Stored::Managed(_))));
    assert!(matches!(known(json!({})), Content::Empty));
    assert!(matches!(
        known(json!({"auth_mode": "agentIdentity", "agent_identity": "x"})),
        Content::Foreign
    ));
    for corrupt in [
        "{",
        "[]",
        "null",
        r#"{"auth_mode":1}"#,
        r#"{"tokens":{"access_token":"a"}}"#,
        r#"{"OPENAI_API_KEY":"sk-x","OPENAI_API_KEY":"sk-y"}"#,
        r#"{"tokens":{"id_token":"i","access_token":"a","access_token":"b"}}"#,
        r#"{"unknown":1,"unknown":1}"#,
        "\u{feff}{",
    ] {
        assert!(
            matches!(read(corrupt.as_bytes()), Content::Corrupt),
            "{corrupt}"
        );
    }
    assert!(
        write(
            Some(b"{"),
            &Stored::ApiKey(Secret::from("sk-x")),
            Saving::Login
        )
        .is_none()
    );
}
