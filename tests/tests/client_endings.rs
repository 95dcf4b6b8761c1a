//! Every way in which an exchange of the client can end, sampled or not: one span with its outcome,
//! or none.

use std::{net::SocketAddr, time::Duration};

use opentelemetry::{Value, trace::Status};
use opentelemetry_sdk::trace::Sampler;
use reqwest::Method;
use tests::{AfterResponse, EndedSpanExt, MetricSink, RawServer, Series, SpanSink};
use tokio::net::TcpListener;
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    client::{Client, RequestBuilder},
    exchange::Builder,
};

/// A request, the actions during it, and the expected end of its span.
struct Row {
    name: &'static str,
    method: Method,
    answer: &'static str,
    then: AfterResponse,
    act: Act,
    status: Option<i64>,
    error: Option<&'static str>,
    is_stream: bool,
}

#[derive(Clone, Copy)]
enum Act {
    Read,
    ReadFor(Duration),
    DropBeforeHead,
    DropMidBody,
    Upgrade,
    /// Calls an address on which no server listens.
    CallClosedPort,
}

const SOON: Duration = Duration::from_millis(100);

impl Default for Row {
    fn default() -> Self {
        Self {
            name: "",
            method: Method::GET,
            answer: "",
            then: AfterResponse::Close,
            act: Act::Read,
            status: None,
            error: None,
            is_stream: false,
        }
    }
}

/// A complete response whose status determines the outcome.
fn answered(name: &'static str, status: i64, answer: &'static str) -> Row {
    Row { name, answer, status: Some(status), ..Row::default() }
}

fn unanswered(
    name: &'static str,
    then: AfterResponse,
    act: Act,
    error: Option<&'static str>,
) -> Row {
    Row { name, then, act, error, ..Row::default() }
}

/// A response that is shorter than its declared length.
fn cut_short(
    name: &'static str,
    then: AfterResponse,
    act: Act,
    error: Option<&'static str>,
) -> Row {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\non";
    Row { then, act, error, ..answered(name, 200, answer) }
}

/// A response of unknown length.
fn streamed(name: &'static str, then: AfterResponse, act: Act, error: Option<&'static str>) -> Row {
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\non\r\n";
    Row { then, act, error, is_stream: true, ..answered(name, 200, answer) }
}

fn rows() -> Vec<Row> {
    let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n";
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    let no_content = "HTTP/1.1 204 No Content\r\n\r\n";
    let not_modified = "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n";
    let not_found = "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno";
    let unavailable = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    let switching =
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n";
    vec![
        answered("complete", 200, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        Row { is_stream: true, ..answered("until it closes", 200, "HTTP/1.0 200 OK\r\n\r\nok") },
        answered("empty body", 200, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        Row {
            method: Method::HEAD,
            then: AfterResponse::Wait,
            ..answered("HEAD", 200, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
        },
        Row { then: AfterResponse::Wait, ..answered("204", 204, no_content) },
        Row { then: AfterResponse::Wait, ..answered("304", 304, not_modified) },
        Row { error: Some("404"), ..answered("4xx", 404, not_found) },
        Row { error: Some("503"), ..answered("5xx", 503, unavailable) },
        Row { is_stream: true, ..answered("chunked", 200, chunks) },
        Row {
            then: AfterResponse::Wait,
            act: Act::DropMidBody,
            is_stream: true,
            ..answered("server-sent events", 200, events)
        },
        Row { act: Act::Upgrade, then: AfterResponse::Wait, ..answered("upgrade", 101, switching) },
        unanswered("refused", AfterResponse::Close, Act::CallClosedPort, Some("connection_error")),
        unanswered(
            "closed before the head",
            AfterResponse::Close,
            Act::Read,
            Some("request_error"),
        ),
        unanswered("reset before the head", AfterResponse::Reset, Act::Read, Some("request_error")),
        unanswered("late head", AfterResponse::Wait, Act::ReadFor(SOON), Some("timeout")),
        unanswered("dropped before the head", AfterResponse::Wait, Act::DropBeforeHead, None),
        cut_short("body closed", AfterResponse::Close, Act::Read, Some("body_error")),
        cut_short("late body", AfterResponse::Wait, Act::ReadFor(SOON), Some("timeout")),
        cut_short("dropped mid-body", AfterResponse::Wait, Act::DropMidBody, None),
        streamed("stream closed", AfterResponse::Close, Act::Read, Some("body_error")),
        streamed("late stream", AfterResponse::Wait, Act::ReadFor(SOON), Some("timeout")),
        streamed("dropped mid-stream", AfterResponse::Wait, Act::DropMidBody, None),
    ]
}

const DURATION: &str = "http.client.request.duration";

/// Returns a client that records into the two sinks.
fn builder(sampler: Sampler) -> (Builder<Client>, SpanSink, MetricSink) {
    let (sink, metrics) = (SpanSink::new(), MetricSink::new());
    let builder = Client::builder()
        .tracer_provider(&sink.provider_sampling(sampler))
        .meter_provider(metrics.provider());
    (builder, sink, metrics)
}

#[tokio::test]
async fn a_sampled_exchange_ends_once_with_its_outcome() {
    for row in rows() {
        let (builder, sink, metrics) = builder(Sampler::AlwaysOn);
        play(&row, builder.build()).await;
        assert_ended(&row, &sink.only().await);
        assert_measured(&row, &metrics.only(DURATION).await);
    }
}

#[tokio::test]
async fn an_unsampled_exchange_is_measured_once_and_leaves_no_span() {
    for row in rows() {
        let (builder, sink, metrics) = builder(Sampler::AlwaysOff);
        play(&row, builder.build()).await;
        assert_measured(&row, &metrics.only(DURATION).await);
        assert!(sink.spans().is_empty(), "{}", row.name);
    }
}

#[tokio::test]
async fn a_filtered_exchange_has_no_span_and_no_metric() {
    for row in rows() {
        let (builder, sink, metrics) = builder(Sampler::AlwaysOn);
        play(&row, builder.filter(|_| false).build()).await;
        assert!(sink.spans().is_empty(), "{}", row.name);
        assert_eq!(metrics.series(DURATION), [], "{}", row.name);
    }
}

fn assert_measured(row: &Row, series: &Series) {
    let error = row.error.map(Value::from);
    assert_eq!(series.labels.get("error.type"), error.as_ref(), "{}", row.name);
    let status = row.status.map(Value::from);
    assert_eq!(series.labels.get("http.response.status_code"), status.as_ref(), "{}", row.name);
}

fn assert_ended(row: &Row, span: &EndedSpan) {
    let name = row.name;
    assert_eq!(span.integer("http.response.status_code"), row.status, "{name}");
    assert_eq!(span.text("error.type"), row.error, "{name}");
    let is_error = matches!(span.status, Status::Error { .. });
    assert_eq!(is_error, row.error.is_some(), "{name}");
    let first_bytes = span.events.iter().filter(|event| event.name == "first_byte");
    assert_eq!(first_bytes.count(), usize::from(row.is_stream), "{name}");
    assert!(span.start_time <= span.end_time, "{name}");
}

/// Runs the exchange of a row until nothing of it remains.
async fn play(row: &Row, client: Client) {
    let mut raw_server = RawServer::serve([(row.answer, row.then)]).await;
    let request = client.request(row.method.clone(), raw_server.url("/"));
    match row.act {
        Act::Read => read(row, request).await,
        Act::ReadFor(limit) => read(row, request.timeout(limit)).await,
        Act::CallClosedPort => {
            read(row, client.get(format!("http://{}/", closed_port().await))).await
        }
        Act::DropBeforeHead => {
            let sending = tokio::spawn(request.send());
            raw_server.request().await;
            sending.abort();
            assert!(sending.await.unwrap_err().is_cancelled());
        }
        Act::DropMidBody => {
            let mut response = request.send().await.unwrap();
            assert!(response.chunk().await.unwrap().is_some(), "{}", row.name);
        }
        Act::Upgrade => {
            let request = request.header("connection", "upgrade").header("upgrade", "chat");
            assert_eq!(request.send().await.unwrap().status(), 101);
        }
    }
}

/// Checks that a request fails if the row has an error that is not a status.
async fn read(row: &Row, request: RequestBuilder) {
    let read = match request.send().await {
        Ok(response) => response.bytes().await.map(drop),
        Err(error) => Err(error),
    };
    let fails = row.error.is_some_and(|error| error.parse::<u16>().is_err());
    assert_eq!(read.is_err(), fails, "{}: {read:?}", row.name);
}

async fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
