//! One request, three services, one trace: gateway (axum) → inventory (actix-web) → pricing (axum).
//!
//! Run with `cargo run --bin shop`, or keep it running with `cargo run --bin shop -- --serve`.
//!
//! With `--serve` a panel shows all three services at <http://127.0.0.1:4380/>, and each serves
//! metrics for Prometheus: the gateway on `127.0.0.1:9464`, the others on the next two ports.
//!
//! Each service is a separate process: this program, started again with `--role`. The services
//! export over OTLP to this process, which prints every trace as a waterfall. If
//! `OTEL_CONFIG_FILE`, `OTEL_TRACES_EXPORTER`, `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`)
//! or a variable that starts with `OTEL_EXPORTER_JAEGER_` is set, they export to that backend. This
//! process then prints the id of each trace it starts, and the gateway logs a line with the
//! `trace_id` for each request.

mod gateway;
mod inventory;
mod panel;
mod parent;
mod pricing;
mod role;

use std::{error::Error, io, process::ExitCode};

use clap::Parser;
use reqwest::Url;
use role::Role;

/// One request, three services, one trace.
///
/// The services export to the backend in OTEL_CONFIG_FILE, OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_ENDPOINT (or
/// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) or a variable of OTEL_EXPORTER_JAEGER_, if one is set. The
/// ids of the traces are then printed instead of waterfalls; with --serve the log lines of the
/// gateway contain the trace_id.
#[derive(Parser)]
struct Options {
    /// Keep the services running and print each trace.
    #[arg(long)]
    serve: bool,
    /// Port of the gateway on 127.0.0.1 [default: 8080 with --serve, else a free one].
    #[arg(long)]
    port: Option<u16>,
    /// Port of the gateway's metrics on 127.0.0.1, followed by the inventory's and pricing's; 0 for three free ones [default:
    /// 9464 with --serve, else there are none].
    #[arg(long)]
    metrics_port: Option<u16>,
    /// Port of the panel on 127.0.0.1, with --serve; 0 for a free one.
    #[arg(long, default_value_t = 4380, requires = "serve")]
    panel_port: u16,
    /// Role of this process. The shop sets it for its services.
    #[arg(long, value_enum, hide = true)]
    role: Option<Role>,
    /// URL of the service that this one calls.
    #[arg(long, hide = true, requires = "role")]
    next: Option<Url>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_output(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether standard output was closed, as by `shop | head`.
fn is_closed_output(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    match options.role {
        Some(role) => {
            role::run(role, options.port.unwrap_or(0), options.metrics_port, options.next).await
        }
        None if options.serve => {
            let (port, metrics_port) = (options.port.unwrap_or(8080), options.metrics_port);
            parent::serve(port, metrics_port.unwrap_or(9464), options.panel_port).await
        }
        None => parent::show(options.port.unwrap_or(0), options.metrics_port).await,
    }
}
