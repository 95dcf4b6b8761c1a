//! One request, three services, one trace: gateway (axum) → inventory (actix-web) → pricing (axum).
//!
//! Run with `cargo run --bin shop`, or keep it running with `cargo run --bin shop -- --serve`.
//!
//! Each service is a process of its own, this very program started again with `--role`. They export over OTLP to this
//! process, which prints every trace as a waterfall; or to `OTEL_EXPORTER_OTLP_ENDPOINT` if that is set.

mod options;
mod parent;
mod role;

use std::error::Error;

use options::Options;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    match options.role {
        Some(role) => role::run(role, options.port.unwrap_or(0), options.next).await,
        None if options.serve => parent::serve(options.port.unwrap_or(8080)).await,
        None => parent::show(options.port.unwrap_or(0)).await,
    }
}
