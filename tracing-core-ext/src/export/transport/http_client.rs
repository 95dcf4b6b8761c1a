use reqwest::{Client, ClientBuilder, redirect::Policy};

use super::response::root_cause;
use crate::base::error::TelemetryError;

/// What an endpoint is to be where there is no TLS.
pub(crate) const HTTP_ONLY: &str =
    "an http:// URL, for the feature `tls` of tracing-core-ext is off";

/// Redirects are not followed: they turn the POST into a GET without any spans. Without a connection that needs them, the
/// certificates the system trusts are not loaded.
pub(crate) fn client(is_loopback: bool, is_https: bool) -> ClientBuilder {
    let client = Client::builder().redirect(Policy::none());
    let client = match is_loopback {
        true => client.no_proxy(),
        false => client,
    };
    #[cfg(feature = "tls")]
    if !is_https {
        return client.tls_certs_only([]);
    }
    #[cfg(not(feature = "tls"))]
    let _ = is_https;
    client
}

pub(crate) fn build_client(client: ClientBuilder) -> Result<Client, TelemetryError> {
    client.build().map_err(|error| TelemetryError::exporter(root_cause(&error).to_string()))
}
