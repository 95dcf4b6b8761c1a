//! OTLP into the panel, and its pages. The input is a digit for signal and encoding, a letter for the
//! page, a line with a search, and the body of the request.
#![no_main]

use std::io::Write;

use axum::body::Body;
use flate2::{Compression, write::GzEncoder};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use prost::Message;
use tower_service::Service;
use tracing_panel::Panel;

const KINDS: [(&str, &str); 7] = [
    ("/v1/traces", "application/x-protobuf"),
    ("/v1/logs", "application/x-protobuf"),
    ("/v1/metrics", "application/x-protobuf"),
    ("/v1/traces", "application/json"),
    ("/v1/logs", "application/json"),
    ("/v1/metrics", "application/json"),
    ("/import", "application/json"),
];

/// Pages, where `*` is an id of a trace, `+` that of its span, and `?` the search.
const PAGES: [&str; 20] = [
    "/overview",
    "/traces?q=?",
    "/traces/*",
    "/traces/*/spans/+",
    "/running",
    "/compare?a=*&b=*",
    "/map",
    "/errors",
    "/logs?q=?",
    "/metrics",
    "/metrics/show?name=?",
    "/health",
    "/api/overview",
    "/api/traces?q=?",
    "/api/traces/*",
    "/api/traces/*/otlp",
    "/api/traces/*/perfetto",
    "/api/complete?q=?",
    "/api/logs?q=?",
    "/api/map",
];

/// Text that no page contains unless it fails to escape it.
const MARKUP: &str = "<xss";

fuzz_target!(|data: &[u8]| {
    let [kind, page, data @ ..] = data else { return };
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (search, body) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let kind = kind.wrapping_sub(b'0');
    let (path, content_type) = KINDS[usize::from(kind) % KINDS.len()];
    // The second seven are compressed.
    let is_gzip = path != "/import" && kind / 7 % 2 == 1;

    let panel = Panel::new().with_memory(1 << 20);
    let routes = panel.routes().merge(panel.http_receiver());
    let request = Request::post(path).header(header::CONTENT_TYPE, content_type);
    let request = match is_gzip {
        true => request.header(header::CONTENT_ENCODING, "gzip").body(gzip(body).into()),
        false => request.body(body.to_vec().into()),
    };
    let call = |request: Request<Body>| {
        let mut routes = routes.clone();
        let (mut head, body) = request.into_parts();
        head.headers.insert(header::HOST, header::HeaderValue::from_static("localhost"));
        run(async move {
            let response = routes.call(Request::from_parts(head, body)).await;
            let (head, body) = response.unwrap_or_else(|never| match never {}).into_parts();
            let body = body.collect().await.expect("a body in memory").to_bytes();
            Response::from_parts(head, body)
        })
    };
    let response = call(request.expect("a request"));
    let status = response.status();
    assert!(matches!(status, StatusCode::OK | StatusCode::BAD_REQUEST), "{status}");

    let request = match content_type {
        "application/json" => serde_json::from_slice(body).ok(),
        _ => ExportTraceServiceRequest::decode(body).ok(),
    };
    let request: Option<ExportTraceServiceRequest> = request.filter(|_| path == "/v1/traces");
    assert_eq!(request.is_some(), path == "/v1/traces" && status == StatusCode::OK);
    let spans = request.iter().flat_map(|it| &it.resource_spans);
    let spans: Vec<_> = spans.flat_map(|it| &it.scope_spans).flat_map(|it| &it.spans).collect();
    if status == StatusCode::OK && content_type.ends_with("protobuf") && path == "/v1/traces" {
        let answer = ExportTraceServiceResponse::decode(&response.into_body()[..]);
        let rejected = answer.expect("an answer").partial_success.map_or(0, |it| it.rejected_spans);
        let is_id = |id: &[u8], length| id.len() == length && id.iter().any(|byte| *byte != 0);
        let is_valid = |trace: &[u8], span: &[u8]| is_id(trace, 16) && is_id(span, 8);
        let invalid = spans.iter().filter(|span| !is_valid(&span.trace_id, &span.span_id));
        assert_eq!(usize::try_from(rejected), Ok(invalid.count()));
    }

    let search =
        utf8_percent_encode(&String::from_utf8_lossy(search), NON_ALPHANUMERIC).to_string();
    let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let ids = spans.first().map(|span| (hex(&span.trace_id), hex(&span.span_id)));
    let (trace, span) = ids.unwrap_or_default();
    let page = PAGES[usize::from(page.wrapping_sub(b'a')) % PAGES.len()];
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    let filled = |text: &str| text.replace('*', &trace).replace('+', &span).replace('?', &search);
    let page = format!("{}?{}&window=all", filled(path), filled(query));
    let response = call(Request::get(&page).body(Body::empty()).expect("a path"));
    let status = response.status();
    assert!(!status.is_server_error(), "{page}: {status}");
    let is_page = response.headers()[header::CONTENT_TYPE].as_bytes().starts_with(b"text/html");
    let body = response.into_body();
    let text = str::from_utf8(&body).expect("a text");
    assert!(!is_page || !text.contains(MARKUP), "{page}: {text}");
    if status == StatusCode::OK && page.starts_with("/api/") {
        serde_json::from_slice::<serde_json::Value>(&body).expect("JSON");
    }
});

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}

fn run<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
