use reqwest::{Client, ClientBuilder, redirect::Policy};

use super::response::root_cause;
use crate::base::error::TelemetryError;

/// Expected endpoint if the feature `tls` is off.
pub(crate) const HTTP_ONLY: &str =
    "an http:// URL, because the feature `tls` of tracing-core-ext is off";

/// Creates a client. It does not follow redirects, because they turn the POST into a GET without
/// spans. It loads the certificates of the system only if the connection requires them.
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
