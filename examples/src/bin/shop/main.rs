//! One request, three services, one trace: gateway (axum) → inventory (actix-web) → pricing (axum).
//!
//! Run with `cargo run --bin shop`, or keep it running with `cargo run --bin shop -- --serve`.
//!
//! With `--serve` a panel shows all three services at <http://127.0.0.1:4380/>, and each has metrics for Prometheus: the
//! gateway on `127.0.0.1:9464`, the others on the next two ports.
//!
//! Each service is a process of its own, this very program started again with `--role`. They export over OTLP to this
//! process, which prints every trace as a waterfall; or wherever `OTEL_TRACES_EXPORTER`, `OTEL_EXPORTER_OTLP_ENDPOINT` (or
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) or a variable of `OTEL_EXPORTER_JAEGER_` says. Then the traces are to be looked up
//! there: this prints the id of each trace it begins, and the gateway logs a line with the `trace_id` for each request.

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
/// The services export where OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) or a
/// variable of OTEL_EXPORTER_JAEGER_ says, if one is set. Then no waterfalls are printed here, but the ids of the traces; with
/// --serve look for trace_id in the log lines of the gateway.
#[derive(Parser)]
struct Options {
    /// Keep the shop open and print each trace as it comes.
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
    /// Be one of the services; the shop starts itself with this.
    #[arg(long, value_enum, hide = true)]
    role: Option<Role>,
    /// The service behind it.
    #[arg(long, hide = true, requires = "role")]
    next: Option<Url>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if nobody_reads_on(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::FAILURE
        }
    }
}

/// As with `shop | head`.
fn nobody_reads_on(error: &(dyn Error + 'static)) -> bool {
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
