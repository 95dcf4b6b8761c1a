//! A backend for OTLP over HTTP that is mostly there.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest,
    trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse},
};
use prost::Message;
use tokio::{runtime, time::sleep};

use crate::Result;

/// Behaviour for some seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Up,
    /// There is no listener, and open connections are closed.
    Down,
    /// 503 with `Retry-After`.
    Busy,
    /// No response.
    Hanging,
    /// 200 with a page.
    Page,
    /// Each request loses one item.
    Partial,
    /// A part of a response, which then breaks off.
    Garbage,
}

/// Phases in turn, with their seconds. The service waits at most ten seconds for a response.
const PHASES: [(Phase, u64); 12] = [
    (Phase::Up, 15),
    (Phase::Down, 8),
    (Phase::Up, 10),
    (Phase::Busy, 6),
    (Phase::Up, 10),
    (Phase::Page, 3),
    (Phase::Up, 5),
    (Phase::Partial, 5),
    (Phase::Hanging, 14),
    (Phase::Up, 10),
    (Phase::Garbage, 3),
    (Phase::Up, 5),
];

#[derive(Default)]
struct Received {
    spans: AtomicU64,
    metrics: AtomicU64,
    records: AtomicU64,
}

/// The backend, on its own thread.
pub(crate) struct Backend {
    address: SocketAddr,
    received: Arc<Received>,
    stays: Arc<AtomicBool>,
    _thread: JoinHandle<()>,
}

impl Backend {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (received, stays) = (Arc::<Received>::default(), Arc::<AtomicBool>::default());
        let thread = {
            let (received, stays) = (Arc::clone(&received), Arc::clone(&stays));
            thread::spawn(move || {
                let mut listener = Some(listener);
                for (phase, seconds) in PHASES.into_iter().cycle() {
                    let phase = if stays.load(Ordering::Relaxed) { Phase::Up } else { phase };
                    let served = serve(phase, seconds, address, listener.take(), &received, &stays);
                    if let Err(error) = served {
                        eprintln!("the backend is not there: {error}");
                    }
                }
            })
        };
        Ok(Self { address, received, stays, _thread: thread })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes it stay.
    pub(crate) fn stay(&self) {
        self.stays.store(true, Ordering::Relaxed);
    }

    /// Returns the numbers of accepted items by signal.
    pub(crate) fn received(&self) -> BTreeMap<&'static str, u64> {
        let Received { spans, metrics, records } = &*self.received;
        let counted = [("spans", spans), ("metrics", metrics), ("log records", records)];
        counted.map(|(signal, count)| (signal, count.load(Ordering::Relaxed))).into()
    }
}

/// Serves one phase. Dropping the runtime closes every connection.
fn serve(
    phase: Phase,
    seconds: u64,
    address: SocketAddr,
    listener: Option<TcpListener>,
    received: &Arc<Received>,
    stays: &AtomicBool,
) -> Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let router = Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(metrics))
        .route("/v1/logs", post(logs))
        .with_state((phase, Arc::clone(received)));
    runtime.block_on(async {
        let mut over = std::pin::pin!(async {
            for _ in 0..seconds {
                sleep(Duration::from_secs(1)).await;
                if phase != Phase::Up && stays.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        if phase == Phase::Down {
            over.await;
            return Ok(());
        }
        let listener = match listener {
            Some(listener) => listener,
            None => TcpListener::bind(address)?,
        };
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::select! {
            served = axum::serve(listener, router).into_future() => Ok(served?),
            () = &mut over => Ok(()),
        }
    })
}

type Shared = State<(Phase, Arc<Received>)>;

async fn traces(State((phase, received)): Shared, body: Bytes) -> Response {
    let request = ExportTraceServiceRequest::decode(body).unwrap_or_default();
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    respond(phase, &received.spans, scopes.map(|scope| scope.spans.len()).sum()).await
}

async fn metrics(State((phase, received)): Shared, _: Bytes) -> Response {
    let phase = if phase == Phase::Partial { Phase::Up } else { phase };
    respond(phase, &received.metrics, 1).await
}

async fn logs(State((phase, received)): Shared, body: Bytes) -> Response {
    let request = ExportLogsServiceRequest::decode(body).unwrap_or_default();
    let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    respond(phase, &received.records, scopes.map(|scope| scope.log_records.len()).sum()).await
}

async fn respond(phase: Phase, received: &AtomicU64, items: usize) -> Response {
    let accept = |items: usize| received.fetch_add(items as u64, Ordering::Relaxed);
    match phase {
        Phase::Up | Phase::Down => {
            accept(items);
            StatusCode::OK.into_response()
        }
        Phase::Busy => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response()
        }
        Phase::Hanging => std::future::pending().await,
        Phase::Page => ([(header::CONTENT_TYPE, "text/html")], "<p>welcome").into_response(),
        Phase::Partial => {
            accept(items.saturating_sub(1));
            let partial = ExportTracePartialSuccess {
                rejected_spans: items.min(1) as i64,
                error_message: "one is too many".to_owned(),
            };
            let response = ExportTraceServiceResponse { partial_success: Some(partial) };
            let protobuf = [(header::CONTENT_TYPE, "application/x-protobuf")];
            (protobuf, response.encode_to_vec()).into_response()
        }
        Phase::Garbage => {
            let fields =
                [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_LENGTH, "9")];
            (StatusCode::BAD_GATEWAY, fields, "{\"messag\n").into_response()
        }
    }
}
