//! Certificates without the feature `tls`.

use reqwest::ClientBuilder;

use super::{endpoint::Endpoint, options::Otlp};
use crate::{
    base::error::TelemetryError,
    config::{env::findings::Findings, otlp::OtlpConfig},
};

/// No certificates.
#[derive(Debug)]
pub(super) struct Tls;

impl Tls {
    /// # Errors
    ///
    /// If the environment has a certificate.
    pub(super) fn resolve(
        code: &Otlp,
        environment: &OtlpConfig,
        _: &Endpoint,
        _: &Findings,
    ) -> Result<Self, TelemetryError> {
        match environment.certificate_setting() {
            Some((setting, path)) if code.http_client.is_none() => {
                Err(TelemetryError::missing_feature(setting, path, "tls"))
            }
            _ => Ok(Self),
        }
    }

    pub(super) fn apply(&self, client: ClientBuilder) -> Result<ClientBuilder, TelemetryError> {
        Ok(client)
    }
}
