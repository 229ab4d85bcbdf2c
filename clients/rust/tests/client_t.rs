//! jsonrpsee's `ClientT`, used by code that is written against that trait.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "other tests need the rest of it")]
mod made_up;

use byokey_client::ByokeyClient;
use jsonrpsee_core::client::{ClientT, Error};
use jsonrpsee_core::params::{BatchRequestBuilder, ObjectParams};
use jsonrpsee_core::rpc_params;
use serde_json::{Value, json};

use crate::made_up::{run, spawn};

fn named(member: &str) -> ObjectParams {
    let mut params = ObjectParams::new();
    params.insert(member, 1).unwrap();
    params
}

/// Independent of this crate's client.
async fn first<C: ClientT>(client: &C) -> Result<Value, Error> {
    client.request("toy/first", named("a")).await
}

#[test]
fn requests_are_made_through_the_trait() {
    run(async {
        let client = spawn(&[
            "first = ask()",
            "send(id=first['id'], result=[first['method'], first['params']])",
            "error = {'code': -7, 'message': 'made up', 'data': {'a': 1}}",
            "send(id=ask()['id'], error=error)",
            "assert ask() == {'jsonrpc': '2.0', 'method': 'toy/told', 'params': {'b': 1}}",
            "one, two = ask(), ask()",
            "send(id=two['id'], error=error)",
            "send(id=one['id'], result=one['params'])",
        ])
        .await;
        let answer = first(&client).await.unwrap();
        assert_eq!(answer, json!(["toy/first", {"a": 1}]));
        let refused = ClientT::request::<Value, _>(&client, "toy/second", rpc_params![]).await;
        let Err(Error::Call(object)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((object.code(), object.message()), (-7, "made up"));
        assert_eq!(object.data().unwrap().get(), r#"{"a": 1}"#);
        ClientT::notification(&client, "toy/told", named("b"))
            .await
            .unwrap();
        let mut batch = BatchRequestBuilder::new();
        batch.insert("toy/one", named("c")).unwrap();
        batch.insert("toy/two", named("d")).unwrap();
        let answers = client.batch_request::<Value>(batch).await.unwrap();
        assert_eq!(answers.num_failed_calls(), 1);
        let answers: Vec<_> = answers.into_iter().collect();
        assert_eq!(answers[0].as_ref().unwrap(), &json!({"c": 1}));
        assert_eq!(answers[1].as_ref().unwrap_err().code(), -7);
        let gone = first(&client).await;
        assert!(matches!(gone, Err(Error::Transport(_))), "{gone:?}");
    });
}

#[test]
fn an_empty_batch_is_no_request() {
    run(async {
        let client: ByokeyClient = spawn(&["ask()"]).await;
        let answers = client.batch_request::<Value>(BatchRequestBuilder::new());
        assert!(matches!(answers.await, Err(Error::EmptyBatchRequest(_))));
    });
}
