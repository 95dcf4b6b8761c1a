//! A receiver of OTLP over HTTP in a separate process. It counts the spans and log records and drops
//! them.

use std::{
    env,
    io::{self, Read},
    net::Ipv4Addr,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use tokio::{net::TcpListener, runtime, task};

use crate::{Result, process::Process};

/// Option that makes this program a receiver.
pub(crate) const OPTION: &str = "--receiver";

/// Another process that receives spans and log records.
pub(crate) struct Receiver {
    process: Process,
    pub(crate) port: u16,
}

impl Receiver {
    pub(crate) fn start() -> Result<Self> {
        let mut process = Process::start(Command::new(env::current_exe()?).arg(OPTION))?;
        let port = process.read()?;
        Ok(Self { process, port })
    }

    /// Ends the receiver and returns the numbers of spans and of log records that it has received.
    pub(crate) fn finish(mut self) -> Result<[usize; 2]> {
        self.process.close();
        let received = [self.process.read()?, self.process.read()?];
        self.process.wait()?;
        Ok(received)
    }
}

/// Receives until standard input ends, then prints the numbers of spans and of log records.
pub(crate) fn run() -> Result<()> {
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(receive())
}

async fn receive() -> Result<()> {
    let [spans, records] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let [of_spans, of_records] = [&spans, &records].map(Arc::clone);
    let router = Router::new()
        .route("/v1/traces", post(async move |body| count_spans(&of_spans, body)))
        .route("/v1/logs", post(async move |body| count_records(&of_records, body)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?.port());
    tokio::select! {
        served = axum::serve(listener, router).into_future() => served?,
        ended = task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())) => { ended??; }
    }
    println!("{}", spans.load(Ordering::Relaxed));
    println!("{}", records.load(Ordering::Relaxed));
    Ok(())
}

/// An empty body is the response of a receiver that has accepted everything.
fn count_spans(spans: &AtomicUsize, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    spans.fetch_add(scopes.map(|scope| scope.spans.len()).sum(), Ordering::Relaxed);
    StatusCode::OK
}

/// Records of the start of the service, which belong to no trace, are not counted.
fn count_records(records: &AtomicUsize, body: Bytes) -> StatusCode {
    let Ok(request) = ExportLogsServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    let of_requests =
        scopes.flat_map(|scope| &scope.log_records).filter(|it| !it.trace_id.is_empty());
    records.fetch_add(of_requests.count(), Ordering::Relaxed);
    StatusCode::OK
}
