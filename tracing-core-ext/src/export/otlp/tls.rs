use std::{fmt, fs};

use reqwest::{Certificate, Client, ClientBuilder, Identity};

use super::{endpoint::Endpoint, options::Otlp};
use crate::{
    base::error::TelemetryError,
    config::{
        env::findings::Findings,
        otlp::{EnvValue, OtlpConfig},
    },
    export::transport::response::root_cause,
};

const CERTIFICATE: &str = "a certificate in PEM";
const KEY: &str = "a private key in PEM";

/// Trusted certificates, and the certificate of the client.
#[derive(Debug)]
pub(super) struct Tls {
    ca: Option<Pem>,
    /// A certificate and its key.
    client: Option<[Pem; 2]>,
}

/// Content of a file or of an option, with the name of its setting.
struct Pem {
    setting: &'static str,
    value: String,
    text: Vec<u8>,
}

impl Tls {
    pub(super) fn resolve(
        code: &Otlp,
        environment: &OtlpConfig,
        endpoint: &Endpoint,
        findings: &Findings,
    ) -> Result<Self, TelemetryError> {
        if !endpoint.is_https() {
            return Self::for_plain_text(code, environment, endpoint, findings);
        }
        let ca = match (&code.ca_certificate, &environment.certificate) {
            (Some(text), _) => Some(Pem::of_code("Otlp::ca_certificate()", text)),
            (None, Some(path)) => Some(Pem::read(path, CERTIFICATE)?),
            (None, None) => None,
        };
        let client = match &code.client_certificate {
            Some(texts) => {
                Some(texts.each_ref().map(|text| Pem::of_code("Otlp::client_certificate()", text)))
            }
            None => pair(environment)?,
        };
        let tls = Self { ca, client };
        tls.check_ca()?;
        tls.check_client()?;
        Ok(tls)
    }

    pub(super) fn apply(&self, client: ClientBuilder) -> Result<ClientBuilder, TelemetryError> {
        let client = match &self.ca {
            Some(pem) => client.tls_certs_only(pem.certificates()?),
            None => client,
        };
        match &self.client {
            Some(pems) => Ok(client.identity(identity(pems)?)),
            None => Ok(client),
        }
    }

    /// Checks each part separately, because an error does not name the part.
    fn check_ca(&self) -> Result<(), TelemetryError> {
        let Some(pem) = &self.ca else { return Ok(()) };
        let client = Client::builder().tls_certs_only(pem.certificates()?).build();
        client.map(drop).map_err(|error| pem.wrong(CERTIFICATE, &error))
    }

    fn check_client(&self) -> Result<(), TelemetryError> {
        let Some(pems) = &self.client else { return Ok(()) };
        let client = Client::builder().tls_certs_only([]).identity(identity(pems)?).build();
        let expected = "the private key of the certificate, in PEM";
        client.map(drop).map_err(|error| pems[1].wrong(expected, &error))
    }

    /// Checks certificates for an http endpoint, where they have no effect. Those for all signals
    /// may be for the endpoint of another signal.
    fn for_plain_text(
        code: &Otlp,
        environment: &OtlpConfig,
        endpoint: &Endpoint,
        findings: &Findings,
    ) -> Result<Self, TelemetryError> {
        let expected = || format!("an https:// endpoint beside it, which {endpoint} is not");
        if let Some((setting, text)) = code.certificates().next() {
            return Err(Pem::of_code(setting, text).refused(expected()));
        }
        match environment.certificate_setting() {
            Some((setting, path)) if !is_for_other_signal(setting, endpoint) => {
                findings.suspect(TelemetryError::setting(setting, path, expected()))?;
            }
            _ => {}
        }
        Ok(Self { ca: None, client: None })
    }
}

/// Whether a variable for all signals is set beside an endpoint for one signal.
fn is_for_other_signal(setting: &str, endpoint: &Endpoint) -> bool {
    let is_for_all = |name: &str| !name.contains("_TRACES_") && !name.contains("_METRICS_");
    is_for_all(setting) && !is_for_all(endpoint.setting())
}

impl Otlp {
    /// Trusts only these certificates, in PEM, instead of those of the system. Takes precedence
    /// over `OTEL_EXPORTER_OTLP_CERTIFICATE`.
    pub fn ca_certificate(self, pem: impl Into<Vec<u8>>) -> Self {
        Self { ca_certificate: Some(pem.into()), ..self }
    }

    /// Presents this certificate, with its private key, to the collector. Both are in PEM. They
    /// take precedence over `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and
    /// `OTEL_EXPORTER_OTLP_CLIENT_KEY`.
    pub fn client_certificate(
        self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        Self { client_certificate: Some([certificate.into(), key.into()]), ..self }
    }
}

/// Reads the certificate of the client and its key. One without the other is an error.
fn pair(environment: &OtlpConfig) -> Result<Option<[Pem; 2]>, TelemetryError> {
    let lacks = |(setting, path): &EnvValue, other: &str| {
        TelemetryError::setting(setting, path, format!("{other} beside it"))
    };
    match (&environment.client_certificate, &environment.client_key) {
        (Some(certificate), Some(key)) => {
            Ok(Some([Pem::read(certificate, CERTIFICATE)?, Pem::read(key, KEY)?]))
        }
        (Some(path), None) => {
            Err(lacks(path, "the path of its private key in OTEL_EXPORTER_OTLP_CLIENT_KEY"))
        }
        (None, Some(path)) => {
            Err(lacks(path, "the path of its certificate in OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"))
        }
        (None, None) => Ok(None),
    }
}

fn identity(pems: &[Pem; 2]) -> Result<Identity, TelemetryError> {
    let [certificate, key] = pems;
    certificate.certificates()?;
    let both = [certificate.text.as_slice(), key.text.as_slice()].join(&b'\n');
    Identity::from_pem(&both).map_err(|error| key.wrong(KEY, &error))
}

impl Pem {
    fn of_code(setting: &'static str, text: &[u8]) -> Self {
        Self { setting, value: format!("{} bytes", text.len()), text: text.to_vec() }
    }

    fn read((setting, path): &EnvValue, what: &str) -> Result<Self, TelemetryError> {
        let text = fs::read(path).map_err(|error| {
            let expected = format!("the path of a file with {what} ({error})");
            TelemetryError::setting(setting, path, expected)
        })?;
        Ok(Self { setting, value: path.clone(), text })
    }

    fn certificates(&self) -> Result<Vec<Certificate>, TelemetryError> {
        match Certificate::from_pem_bundle(&self.text) {
            Ok(certificates) if certificates.is_empty() => {
                Err(self.refused(format!("{CERTIFICATE} (there is none in it)")))
            }
            Ok(certificates) => Ok(certificates),
            Err(error) => Err(self.wrong(CERTIFICATE, &error)),
        }
    }

    fn wrong(&self, expected: &str, error: &reqwest::Error) -> TelemetryError {
        self.refused(format!("{expected} ({})", root_cause(error)))
    }

    fn refused(&self, expected: String) -> TelemetryError {
        TelemetryError::setting(self.setting, &*self.value, expected)
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pem({}={:?})", self.setting, self.value)
    }
}

#[cfg(test)]
mod tests;
