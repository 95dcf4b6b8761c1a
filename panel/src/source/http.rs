//! Requests to the HTTP API of a backend.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, redirect::Policy};
use serde::de::DeserializeOwned;

use super::SourceError;

/// Maximum time for one response.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Maximum length of a response, in bytes.
const MOST_BYTES: usize = 64 << 20;

/// Client of one backend.
#[derive(Clone, Debug)]
pub(super) struct Api {
    client: Client,
    root: Url,
}

impl Api {
    pub(super) fn new(address: &str) -> Result<Self, String> {
        let invalid = |reason: String| format!("{address}: {reason}");
        let root = Url::parse(address).map_err(|error| invalid(error.to_string()))?;
        if root.scheme() != "http" || root.host().is_none() {
            return Err(invalid("expected a URL that begins with http://".to_owned()));
        }
        let client = Client::builder().timeout(TIMEOUT).redirect(Policy::none()).build();
        Ok(Self { client: client.map_err(|error| invalid(error.to_string()))?, root })
    }

    pub(super) fn address(&self) -> &str {
        self.root.as_str().trim_end_matches('/')
    }

    /// Returns the JSON value at a path, or `None` if the status is 404.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Option<T>, SourceError> {
        let url = format!("{}{path}", self.address());
        let response = self.client.get(url).query(query).send().await;
        let mut response = response.map_err(|error| self.error(&error.without_url()))?;
        match response.status() {
            StatusCode::NOT_FOUND => return Ok(None),
            status if !status.is_success() => {
                return Err(self.error(&format!("{path} responds {status}")));
            }
            _ => {}
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.error(&error))? {
            if body.len() + chunk.len() > MOST_BYTES {
                let reason = format!("the response of {path} is longer than {MOST_BYTES} bytes");
                return Err(self.error(&reason));
            }
            body.extend_from_slice(&chunk);
        }
        let value = serde_json::from_slice(&body);
        value.map(Some).map_err(|error| self.error(&format!("{path}: {error}")))
    }

    fn error(&self, reason: &impl ToString) -> SourceError {
        SourceError { backend: self.address().to_owned(), reason: reason.to_string() }
    }
}
