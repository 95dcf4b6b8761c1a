use std::{
    convert::Infallible,
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest,
        metrics::v1::ExportMetricsServiceRequest,
        trace::v1::{
            ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
        },
    },
    logs::v1::LogRecord,
    metrics::v1::Metric,
};
use prost::Message;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// Response of the collector to one request.
#[derive(Clone)]
pub(crate) enum Reply {
    Accept,
    /// Rejects this number of items, with this message.
    Partial(i64, &'static str),
    /// Refuses bodies above this number of bytes with 413. Refused ones are not exports.
    AcceptUpTo(usize),
    /// Refuses with this status of HTTP, these headers and this message. Over gRPC it does so like
    /// a proxy that does not support gRPC.
    Refuse(u16, &'static [(&'static str, &'static str)], &'static str),
    Status(tonic::Status),
    Never,
}

/// Content of one request.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) spans: Vec<String>,
    pub(crate) metrics: Vec<Metric>,
    /// Log records, each with the name of its scope.
    pub(crate) logs: Vec<(String, LogRecord)>,
    /// Body of a request over HTTP, decompressed.
    pub(crate) text: String,
}

/// Collector that receives OTLP over all its protocols. It replies to each request with one of the
/// replies of the test, and to later ones with the last.
pub(crate) struct Collector {
    pub(crate) url: String,
    pub(crate) exports: Receiver<Export>,
    requests: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Script {
    replies: Arc<[Reply]>,
    next: Arc<AtomicUsize>,
    exports: Sender<Export>,
}

impl Collector {
    pub(crate) fn replying(replies: impl Into<Arc<[Reply]>>) -> Self {
        Self::start(replies.into(), None)
    }

    pub(crate) fn refusing_above(bytes: usize) -> Self {
        Self::replying([Reply::AcceptUpTo(bytes)])
    }

    /// Returns the number of requests so far, the refused ones included.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    #[cfg(feature = "tls")]
    pub(crate) fn over_tls(config: tokio_rustls::rustls::ServerConfig) -> Self {
        Self::start([Reply::Accept].into(), Some(TlsAcceptor::from(Arc::new(config))))
    }

    fn start(replies: Arc<[Reply]>, tls: Option<TlsAcceptor>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let (sender, exports) = channel();
        let requests = Arc::<AtomicUsize>::default();
        let script = Script { replies, next: Arc::clone(&requests), exports: sender };
        thread::spawn(move || serve(listener, tls.as_ref(), &script));
        Self { url, exports, requests }
    }

    pub(crate) fn next(&self) -> Export {
        self.exports.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    pub(crate) fn count(&self) -> usize {
        self.exports.try_iter().count()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: std::net::TcpListener, tls: Option<&TlsAcceptor>, script: &Script) {
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, script) = (tls.cloned(), script.clone());
        tokio::spawn(async move {
            match tls {
                None => script.converse(stream).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        script.converse(stream).await;
                    }
                }
            }
        });
    }
}

type Answered = Response<UnsyncBoxBody<Bytes, tonic::Status>>;

impl Script {
    async fn converse(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(move |request| {
            let script = self.clone();
            async move { Ok::<_, Infallible>(script.answer(request).await) }
        });
        let connection = auto::Builder::new(TokioExecutor::new());
        let _ = connection.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(self, request: Request<Incoming>) -> Answered {
        let last = self.replies.len() - 1;
        let reply = self.replies[self.next.fetch_add(1, Ordering::Relaxed).min(last)].clone();
        if request.uri().path().starts_with("/opentelemetry.") {
            return match reply {
                Reply::Refuse(..) => over_http(reply, false).await,
                reply => super::grpc::answer(request, reply, self.exports).await,
            };
        }
        let (head, body) = request.into_parts();
        let body = uncompressed(&head.headers, body.collect().await.unwrap().to_bytes());
        let is_json = head.headers["content-type"] == "application/json";
        if matches!(reply, Reply::AcceptUpTo(limit) if body.len() > limit) {
            return over_http(Reply::Refuse(413, &[], ""), is_json).await;
        }
        let is_of = |signal| head.uri.path().ends_with(signal);
        let export = Export {
            path: head.uri.path().to_owned(),
            spans: if is_of("traces") { spans(&body, is_json) } else { Vec::new() },
            metrics: if is_of("metrics") { metrics(&body, is_json) } else { Vec::new() },
            logs: if is_of("logs") { logs(&body, is_json) } else { Vec::new() },
            text: String::from_utf8_lossy(&body).into_owned(),
            headers: head.headers,
        };
        self.exports.send(export).unwrap();
        over_http(reply, is_json).await
    }
}

fn uncompressed(headers: &HeaderMap, body: Bytes) -> Bytes {
    if headers.get("content-encoding").is_none_or(|encoding| encoding != "gzip") {
        return body;
    }
    let mut plain = Vec::new();
    GzDecoder::new(&*body).read_to_end(&mut plain).unwrap();
    plain.into()
}

fn spans(body: &Bytes, is_json: bool) -> Vec<String> {
    let request = match is_json {
        // The crate cannot parse numbers that are strings.
        true => {
            let text = String::from_utf8_lossy(body).replace("\"NaN\"", "0.0");
            serde_json::from_str(&text.replace("\"-Infinity\"", "0.0"))
        }
        false => Ok(ExportTraceServiceRequest::decode(body.clone()).unwrap()),
    };
    names(request.unwrap())
}

pub(super) fn names(request: ExportTraceServiceRequest) -> Vec<String> {
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
}

fn metrics(body: &Bytes, is_json: bool) -> Vec<Metric> {
    let request = match is_json {
        true => serde_json::from_slice(body).unwrap(),
        false => ExportMetricsServiceRequest::decode(body.clone()).unwrap(),
    };
    all_metrics(request)
}

pub(super) fn all_metrics(request: ExportMetricsServiceRequest) -> Vec<Metric> {
    let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    scopes.flat_map(|scope| scope.metrics).collect()
}

fn logs(body: &Bytes, is_json: bool) -> Vec<(String, LogRecord)> {
    let request = match is_json {
        // The crate cannot parse numbers that are strings.
        true => {
            let text = String::from_utf8_lossy(body).replace("\"NaN\"", "0.0");
            serde_json::from_str(&text).unwrap()
        }
        false => ExportLogsServiceRequest::decode(body.clone()).unwrap(),
    };
    all_logs(request)
}

pub(super) fn all_logs(request: ExportLogsServiceRequest) -> Vec<(String, LogRecord)> {
    let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
    let records = scopes.flat_map(|scope| {
        let name = scope.scope.unwrap().name;
        scope.log_records.into_iter().map(move |record| (name.clone(), record))
    });
    records.collect()
}

async fn over_http(reply: Reply, is_json: bool) -> Answered {
    match reply {
        Reply::Accept | Reply::AcceptUpTo(_) => answered(200, &[], is_json, b"".as_slice().into()),
        Reply::Partial(rejected, message) => {
            let partial = ExportTracePartialSuccess {
                rejected_spans: rejected,
                error_message: message.to_owned(),
            };
            let answer = ExportTraceServiceResponse { partial_success: Some(partial) };
            let body = match is_json {
                true => serde_json::to_vec(&answer).unwrap(),
                false => answer.encode_to_vec(),
            };
            answered(200, &[], is_json, body.into())
        }
        Reply::Refuse(status, headers, message) => {
            let details = Vec::new();
            let message = message.to_owned();
            let body = match is_json {
                true => serde_json::json!({ "message": message }).to_string().into(),
                false => {
                    crate::export::otlp::protocol::response::RpcStatusProto { message, details }
                        .encode_to_vec()
                        .into()
                }
            };
            answered(status, headers, is_json, body)
        }
        Reply::Status(status) => panic!("{status} is not of HTTP"),
        Reply::Never => std::future::pending().await,
    }
}

fn answered(status: u16, headers: &[(&str, &str)], is_json: bool, body: Bytes) -> Answered {
    let content_type = if is_json { "application/json" } else { "application/x-protobuf" };
    let mut response = Response::builder().header("content-type", content_type);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let status = StatusCode::from_u16(status).unwrap();
    let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    response.status(status).body(body).unwrap()
}
