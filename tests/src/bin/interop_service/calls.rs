use std::path::Path;

use axum::http::Uri;
use reqwest::{Certificate, ClientBuilder};
use serde_json::Value;
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tower::ServiceBuilder;
use tracing_core_ext::client::{Client, ClientLayer};

use crate::{BoxError, health::HOPS, hop::CHAIN};

/// Clients for all kinds of URLs.
#[derive(Clone)]
pub(crate) struct Calls {
    http: Client,
    h2c: Client,
}

impl Calls {
    /// Returns clients that trust certificates of the authority.
    pub(crate) fn new(trust: Option<&Path>) -> Result<Self, BoxError> {
        let http = ClientBuilder::new().no_proxy();
        let http = match trust {
            Some(file) => {
                http.tls_certs_only([Certificate::from_pem(&std::fs::read(file)?)?]).build()?
            }
            None => http.build()?,
        };
        let h2c = ClientBuilder::new().no_proxy().http2_prior_knowledge().build()?;
        Ok(Self { http: Client::from(http), h2c: Client::from(h2c) })
    }

    /// Calls a service. Returns what it and those behind it have received.
    pub(crate) async fn call(&self, url: &str, chain: &str) -> Result<Vec<Value>, BoxError> {
        if let Some(authority) = url.strip_prefix("grpc://") {
            return check(authority, chain).await;
        }
        let request = match url.strip_prefix("h2c://") {
            Some(rest) => self.h2c.get(format!("http://{rest}")),
            None => self.http.get(url),
        };
        let response = request.header(CHAIN, chain).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&response.bytes().await?)?)
    }
}

async fn check(authority: &str, chain: &str) -> Result<Vec<Value>, BoxError> {
    let origin: Uri = format!("http://{authority}").parse()?;
    let channel = Endpoint::from(origin.clone()).connect_lazy();
    let channel = ServiceBuilder::new().layer(ClientLayer::new()).service(channel);
    let mut request = tonic::Request::new(HealthCheckRequest::default());
    request.metadata_mut().insert(CHAIN, chain.parse()?);
    let response = HealthClient::with_origin(channel, origin).check(request).await?;
    let hops = response.metadata().get_bin(HOPS).ok_or("no hops in the response")?.to_bytes()?;
    Ok(serde_json::from_slice(&hops)?)
}
