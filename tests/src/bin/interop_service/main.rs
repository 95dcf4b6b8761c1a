//! A service in a chain of services of several languages, for `tests/interop`.
//!
//! `GET /items/{id}` calls the first URL of the header `x-chain`, with the others in the same
//! header. The response is a JSON array of what each service of the chain has received. A URL
//! begins with `http`, `https`, `h2c` for HTTP/2 without TLS, or `grpc`.
//!
//! ```text
//! interop_service --framework axum [--certificate FILE --key FILE --trust FILE]
//! ```

mod actix;
mod axum;
mod calls;
mod health;
mod hop;

use std::{error::Error, io::Write, path::PathBuf};

use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tracing_core_ext::telemetry::Telemetry;

use self::calls::Calls;

type BoxError = Box<dyn Error + Send + Sync>;

/// A service in a chain of services of several languages.
#[derive(Parser)]
struct Options {
    /// Framework of the server.
    #[arg(long, value_enum)]
    framework: Framework,
    /// Certificate of the server in PEM. With it, the service listens for TLS on a second port.
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
    /// Key of the certificate in PEM.
    #[arg(long, requires = "certificate")]
    key: Option<PathBuf>,
    /// Certificate in PEM of the authority that the client trusts.
    #[arg(long)]
    trust: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Framework {
    Axum,
    Actix,
}

impl Options {
    /// Returns the configuration of the server for TLS, if there is a certificate.
    fn tls(&self) -> Result<Option<ServerConfig>, BoxError> {
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else {
            return Ok(None);
        };
        let certificate = CertificateDer::from_pem_file(certificate)?;
        let key = PrivateKeyDer::from_pem_file(key)?;
        let config = ServerConfig::builder().with_no_client_auth();
        let mut config = config.with_single_cert(vec![certificate], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Some(config))
    }
}

#[actix_web::main]
async fn main() -> Result<(), BoxError> {
    let options = Options::parse();
    let name = options.framework.to_possible_value().expect("no framework is skipped");
    let telemetry = Telemetry::builder().service_name(name.get_name()).install()?;
    let calls = Calls::new(options.trust.as_deref())?;
    match options.framework {
        Framework::Axum => axum::serve(calls, options.tls()?).await?,
        Framework::Actix => actix::serve(calls, options.tls()?).await?,
    }
    Ok(telemetry.shutdown()?)
}

/// Prints the URLs on which the service listens.
fn announce(urls: &[String]) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "ready {}", urls.join(" "))
}

/// Waits for SIGTERM.
async fn terminated() {
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}
