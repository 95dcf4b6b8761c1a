use std::{fmt, fs};

use reqwest::{Certificate, Client, ClientBuilder, Identity};

use super::{endpoint::Endpoint, options::Otlp};
use crate::{
    base::error::TelemetryError,
    config::otlp::{EnvValue, OtlpVariables},
    export::transport::response::root_cause,
};

const CERTIFICATE: &str = "a certificate in PEM";
const KEY: &str = "a private key in PEM";

/// Whom to trust, and what to show.
#[derive(Debug)]
pub(super) struct Tls {
    ca: Option<Pem>,
    /// A certificate and its key.
    client: Option<[Pem; 2]>,
}

/// What a file or code holds, and which setting it comes from.
struct Pem {
    setting: &'static str,
    value: String,
    text: Vec<u8>,
}

impl Tls {
    pub(super) fn resolve(
        code: &Otlp,
        environment: &OtlpVariables,
        endpoint: &Endpoint,
    ) -> Result<Self, TelemetryError> {
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
        tls.check_endpoint(endpoint)?;
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

    /// Each part is tried alone, for an error does not say which of them it means.
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

    /// Over http:// nobody shows a certificate, or asks for one.
    fn check_endpoint(&self, endpoint: &Endpoint) -> Result<(), TelemetryError> {
        match self.ca.iter().chain(self.client.iter().flatten()).next() {
            Some(pem) if !endpoint.is_https() => {
                let expected = format!("an https:// endpoint beside it, which {endpoint} is not");
                Err(pem.refused(expected))
            }
            _ => Ok(()),
        }
    }
}

/// Either alone shows nothing.
fn pair(environment: &OtlpVariables) -> Result<Option<[Pem; 2]>, TelemetryError> {
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
