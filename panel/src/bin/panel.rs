//! Receiver of OTLP with pages for a browser: `cargo run --bin panel`, then
//! <http://127.0.0.1:4380/>.

use std::{io, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use tokio::{net::TcpListener, time::timeout};
use tracing_panel::{
    Access, Panel,
    otlp::{self, Archive, forward::Forward},
    source::Backends,
};

/// Maximum time for forwarding the last requests at shutdown.
const LAST_CHANCE: Duration = Duration::from_secs(5);

/// Browser view of traces, metrics and logs, received over OTLP.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Address of the pages; an address that other machines can reach requires a token
    #[arg(long, default_value = "127.0.0.1:4380")]
    listen: SocketAddr,

    /// Address of OTLP over HTTP; an address that other machines can reach requires a token
    #[arg(long, default_value = "127.0.0.1:4318")]
    otlp_http: SocketAddr,

    /// Address of OTLP over gRPC; an address that other machines can reach requires a token
    #[arg(long, default_value = "127.0.0.1:4317")]
    otlp_grpc: SocketAddr,

    /// Endpoint of OTLP over HTTP to which received requests are forwarded, such as
    /// http://collector:4318
    #[arg(long)]
    forward: Option<String>,

    /// Query API of an existing Jaeger whose traces the pages show, such as http://jaeger:16686
    #[arg(long)]
    jaeger: Option<String>,

    /// HTTP API of an existing Prometheus whose metrics the pages show, such as http://prometheus:9090
    #[arg(long)]
    prometheus: Option<String>,

    /// Limit of the memory for telemetry, in MiB
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    memory: u32,

    /// Folder in which telemetry is stored; its files are read at the start
    #[arg(long)]
    data: Option<PathBuf>,

    /// Files of OTLP JSON to read at the start
    files: Vec<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("panel: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> io::Result<()> {
    let mut panel = panel(&options)?;
    for file in &options.files {
        import(&panel, file)?;
    }
    let forward = options.forward.as_deref().map(Forward::start).transpose();
    let forward = forward.map_err(io::Error::other)?;
    if let Some(forward) = &forward {
        panel = panel.with_forward(forward.clone());
    }
    let served = tokio::select! {
        served = serve(&panel, &options) => served,
        interrupted = tokio::signal::ctrl_c() => interrupted,
    };
    if let Some(forward) = forward {
        let _ = timeout(LAST_CHANCE, forward.finish()).await;
    }
    served
}

async fn serve(panel: &Panel, options: &Options) -> io::Result<()> {
    let pages = listen(options.listen).await?;
    let http = listen(options.otlp_http).await?;
    let grpc = listen(options.otlp_grpc).await?;
    let token = panel.access().token().map(|token| format!("?token={token}")).unwrap_or_default();
    println!("pages      http://{}/{token}", pages.local_addr()?);
    println!("OTLP/HTTP  http://{}", http.local_addr()?);
    println!("OTLP/gRPC  http://{}", grpc.local_addr()?);
    if let Some(token) = panel.sender_token() {
        println!("senders    OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20{token}");
    }
    tokio::select! {
        served = async { axum::serve(pages, panel.routes()).await } => served,
        served = async { axum::serve(http, panel.http_receiver()).await } => served,
        served = async { axum::serve(grpc, panel.grpc_receiver()).await } => served,
    }
}

fn panel(options: &Options) -> io::Result<Panel> {
    let memory = (options.memory as usize) << 20;
    let mut panel = Panel::new().with_memory(memory).listen_on(options.listen);
    if ![options.otlp_http, options.otlp_grpc].iter().all(|it| it.ip().is_loopback()) {
        let access = Access::with_random_token().map_err(io::Error::other)?;
        let token = panel.access().token().or(access.token()).map(str::to_owned);
        panel = token.into_iter().fold(panel, Panel::with_sender_token);
    }
    if options.jaeger.is_some() || options.prometheus.is_some() {
        let backends = Backends::new(options.jaeger.as_deref(), options.prometheus.as_deref());
        panel = panel.with_source(backends.map_err(io::Error::other)?);
    }
    let Some(folder) = &options.data else { return Ok(panel) };
    let opened = Archive::open(folder, |line| otlp::add_json(panel.intake(), line));
    let failed =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
    let (archive, count) = opened.map_err(failed)?;
    println!("{}: {count} requests", folder.display());
    Ok(panel.with_archive(archive))
}

async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

fn import(panel: &Panel, file: &PathBuf) -> io::Result<()> {
    let failed = |message: String| io::Error::other(format!("{}: {message}", file.display()));
    let text = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    let count = otlp::add_json(panel.intake(), &text).map_err(failed)?;
    println!("{}: {count} requests", file.display());
    Ok(())
}
