use std::{fmt, io::Read};

use http::header::CONTENT_TYPE;
use reqwest::{
    Url,
    blocking::{Client, Response},
};

use super::blocking::{blocking_client, root_cause};
use crate::telemetry::{
    config::{Credentials, Jaeger},
    endpoint::is_loopback,
    waterfall::safe,
};

const THRIFT: &str = "application/vnd.apache.thrift.binary";
const MOST_ANSWER_BYTES: u64 = 1_024;
const MOST_ANSWER_CHARS: usize = 200;

/// Posts batches to a collector.
pub(super) struct Collector {
    client: Client,
    url: Url,
    credentials: Option<Credentials>,
}

impl Collector {
    pub(super) fn new(url: &Url, jaeger: &Jaeger) -> reqwest::Result<Self> {
        let is_loopback = url.host_str().is_some_and(is_loopback);
        let client = blocking_client(is_loopback, jaeger.timeout)?;
        Ok(Self { client, url: url.clone(), credentials: jaeger.credentials.clone() })
    }

    /// Fails with the status and what the collector says, or with the innermost cause.
    pub(super) fn send(&self, batch: Vec<u8>) -> Result<(), String> {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, THRIFT).body(batch);
        let request = match &self.credentials {
            Some(Credentials { user, password }) => request.basic_auth(user, Some(password)),
            None => request,
        };
        let response = request.send().map_err(|error| root_cause(&error.without_url()))?;
        match response.status().is_success() {
            true => Ok(()),
            false => Err(refusal(response)),
        }
    }
}

fn refusal(response: Response) -> String {
    let status = response.status();
    let mut answer = Vec::new();
    let _ = response.take(MOST_ANSWER_BYTES).read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    match answer.trim() {
        "" => format!("the collector answered {status}"),
        answer => format!("the collector answered {status}: {}", safe(answer, MOST_ANSWER_CHARS)),
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}
