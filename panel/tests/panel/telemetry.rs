//! A running panel and OTLP requests.

use std::collections::BTreeSet;

use axum::Router;
use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status, status::StatusCode},
};
use prost::Message;
use reqwest::{Response, Url};
use tokio::{net::TcpListener, task::JoinHandle};
use tracing_panel::Panel;

/// Panel that serves until it is dropped.
pub(crate) struct Running {
    pub(crate) pages: String,
    pub(crate) http: String,
    pub(crate) grpc: String,
    servers: Vec<JoinHandle<()>>,
}

impl Running {
    pub(crate) async fn start(panel: Panel) -> Self {
        Self::start_with(&panel, panel.routes()).await
    }

    /// Serves the pages by these routes.
    pub(crate) async fn start_with(panel: &Panel, pages: Router) -> Self {
        let mut servers = Vec::new();
        let mut addresses = Vec::new();
        for routes in [pages, panel.http_receiver(), panel.grpc_receiver()] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            addresses.push(format!("http://{}", listener.local_addr().unwrap()));
            servers.push(tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }));
        }
        let [pages, http, grpc] = addresses.try_into().unwrap();
        Self { pages, http, grpc, servers }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        reqwest::get(format!("{}{path}", self.pages)).await.unwrap()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    /// Sends a body to the receiver of OTLP over HTTP.
    pub(crate) async fn send(
        &self,
        signal: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Response {
        let request = reqwest::Client::new().post(format!("{}/v1/{signal}", self.http)).body(body);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(crate) const SPAN: &str = "b7ad6b7169203331";

pub(crate) fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(Value::StringValue(value.to_owned()));
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value }), key_strindex: 0 }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Returns a failed span of 250 ms in the service `gateway`.
pub(crate) fn failed_span() -> Span {
    let start = 1_764_000_000_000_000_000;
    Span {
        trace_id: bytes(TRACE),
        span_id: bytes(SPAN),
        name: "GET /checkout/{item}".to_owned(),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + 250_000_000,
        attributes: vec![
            attribute("http.request.method", "GET"),
            attribute("http.route", "/checkout/{item}"),
            attribute("shop.item", "tea"),
        ],
        status: Some(Status { message: "out of stock".to_owned(), code: StatusCode::Error as i32 }),
        ..Span::default()
    }
}

pub(crate) fn resource() -> Option<Resource> {
    let attributes = vec![attribute("service.name", "gateway")];
    Some(Resource { attributes, ..Resource::default() })
}

pub(crate) fn traces(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let of_resource =
        ResourceSpans { resource: resource(), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![of_resource] }
}

/// Returns an error record of the failed span.
pub(crate) fn logs(body: &str) -> ExportLogsServiceRequest {
    let record = LogRecord {
        time_unix_nano: 1_764_000_000_000_000_000,
        severity_number: 17,
        body: Some(AnyValue { value: Some(Value::StringValue(body.to_owned())) }),
        trace_id: bytes(TRACE),
        span_id: bytes(SPAN),
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
    let of_resource = ResourceLogs { resource: resource(), scope_logs, ..ResourceLogs::default() };
    ExportLogsServiceRequest { resource_logs: vec![of_resource] }
}

/// Returns a panel that has received the failed span and its record.
pub(crate) async fn with_failed_request() -> Running {
    let panel = Running::start(Panel::new()).await;
    send_failed_request(&panel).await;
    panel
}

/// Sends the failed span and its record.
pub(crate) async fn send_failed_request(panel: &Running) {
    let headers = [("content-type", "application/x-protobuf")];
    panel.send("traces", &headers, traces(vec![failed_span()]).encode_to_vec()).await;
    panel.send("logs", &headers, logs("cannot reserve tea").encode_to_vec()).await;
}

/// Follows all links from the overview on. Returns the paths, all of which are below this one.
pub(crate) async fn crawl(panel: &Running, root: &str) -> BTreeSet<String> {
    let site = Url::parse(&panel.pages).unwrap();
    let mut open = vec![site.join(&format!("{root}overview?window=all")).unwrap()];
    let mut seen = BTreeSet::new();
    while let Some(address) = open.pop() {
        let query = address.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", address.path());
        assert!(path.starts_with(root), "{path} is not below {root}");
        if seen.len() >= 300 || !seen.insert(path.clone()) {
            continue;
        }
        let page = panel.text(&path).await;
        let mut links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        if page.starts_with("<!DOCTYPE") {
            // The first one is that of the element `base`.
            let base = address.join(links.next().unwrap()).unwrap();
            open.extend(links.map(|link| base.join(&link.replace("&amp;", "&")).unwrap()));
        }
    }
    seen
}
