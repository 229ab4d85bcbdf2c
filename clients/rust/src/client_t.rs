//! jsonrpsee's [`ClientT`], for code that is written against it.
//!
//! The connection is this crate's own: jsonrpsee's client logs what it sends, cannot answer
//! requests, and ends at an invalid line.

use std::fmt::Debug;

use futures_util::future::join_all;
use jsonrpsee_core::client::{BatchResponse, ClientT, Error};
use jsonrpsee_core::params::BatchRequestBuilder;
use jsonrpsee_core::traits::ToRpcParams;
use serde::de::DeserializeOwned;

use crate::client::ByokeyClient;

/// The server takes parameters by name: objects, as from `ObjectParams`. An error response is
/// [`Error::Call`], and a server that is gone is [`Error::Transport`] with a
/// [`ByokeyError`](crate::ByokeyError).
impl ClientT for ByokeyClient {
    async fn notification<Params>(&self, method: &str, params: Params) -> Result<(), Error>
    where
        Params: ToRpcParams + Send,
    {
        let params = params.to_rpc_params()?;
        self.connection().notify_raw(method, &params);
        Ok(())
    }

    async fn request<R, Params>(&self, method: &str, params: Params) -> Result<R, Error>
    where
        R: DeserializeOwned,
        Params: ToRpcParams + Send,
    {
        let params = params.to_rpc_params()?;
        let result = self.connection().request_jsonrpsee(method, params).await?;
        Ok(serde_json::from_str(result.get())?)
    }

    /// Sends each request as a message of its own, because the server does not accept batches; the
    /// responses are in the order of the requests nevertheless.
    async fn batch_request<'a, R>(
        &self,
        batch: BatchRequestBuilder<'a>,
    ) -> Result<BatchResponse<'a, R>, Error>
    where
        R: DeserializeOwned + Debug + 'a,
    {
        let calls = batch.build()?;
        let calls = calls.into_iter();
        let answers =
            calls.map(|(method, params)| self.connection().request_jsonrpsee(method, params));
        let answers = join_all(answers).await;
        let (mut entries, mut failed) = (Vec::new(), 0);
        for answer in answers {
            entries.push(match answer {
                Ok(result) => Ok(serde_json::from_str(result.get())?),
                Err(Error::Call(object)) => {
                    failed += 1;
                    Err(object)
                }
                Err(error) => return Err(error),
            });
        }
        Ok(BatchResponse::new(entries.len() - failed, entries, failed))
    }
}
