//! OTLP over HTTP and gRPC.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::logs_service_client::LogsServiceClient,
        metrics::v1::{ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient},
        trace::v1::{ExportTraceServiceResponse, trace_service_client::TraceServiceClient},
    },
    metrics::v1::{
        Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data,
        number_data_point::Value,
    },
    trace::v1::Span,
};
use prost::Message;
use tonic::codec::CompressionEncoding;
use tracing_panel::{Panel, otlp::MOST_BODY_BYTES};

use crate::telemetry::{Running, TRACE, failed_span, logs, resource, traces};

type Header = (&'static str, &'static str);

const PROTOBUF: Header = ("content-type", "application/x-protobuf");
const JSON: Header = ("content-type", "application/json");
const GZIP: Header = ("content-encoding", "gzip");

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn found(panel: &Running, query: &str) -> usize {
    let answer = panel.json(&format!("/api/traces?q={query}")).await;
    answer["traces"].as_array().unwrap().len()
}

#[tokio::test]
async fn protobuf_and_json_are_received_plain_and_compressed() {
    let request = traces(vec![failed_span()]);
    let (protobuf, json) = (request.encode_to_vec(), serde_json::to_vec(&request).unwrap());
    let cases: [(Vec<Header>, Vec<u8>); 4] = [
        (vec![PROTOBUF], protobuf.clone()),
        (vec![PROTOBUF, GZIP], gzip(&protobuf)),
        (vec![JSON], json.clone()),
        (vec![("content-type", "application/json; charset=utf-8"), GZIP], gzip(&json)),
    ];
    for (headers, body) in cases {
        let panel = Running::start(Panel::new()).await;
        let response = panel.send("traces", &headers, body).await;
        assert_eq!(response.status(), 200, "{headers:?}");
        assert_eq!(
            found(&panel, "service:gateway%20dur%3E200ms%20%22OUT%20of%22").await,
            1,
            "{headers:?}"
        );
        assert_eq!(found(&panel, "dur%3E250ms").await, 0);
    }
}

#[tokio::test]
async fn three_signals_are_received_over_grpc() {
    let panel = Running::start(Panel::new()).await;
    let channel = tonic::transport::Channel::from_shared(panel.grpc.clone()).unwrap();
    let channel = channel.connect().await.unwrap();
    let mut client =
        TraceServiceClient::new(channel.clone()).send_compressed(CompressionEncoding::Gzip);
    let mut invalid = failed_span();
    invalid.span_id = vec![0; 8];
    let answer = client.export(traces(vec![failed_span(), invalid])).await.unwrap().into_inner();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 1);
    let answer = LogsServiceClient::new(channel.clone()).export(logs("sold out")).await.unwrap();
    assert_eq!(answer.into_inner().partial_success, None);
    let point = NumberDataPoint {
        value: Some(Value::AsInt(7)),
        time_unix_nano: 1,
        ..NumberDataPoint::default()
    };
    let metric = Metric {
        name: "queue.length".to_owned(),
        data: Some(Data::Gauge(Gauge { data_points: vec![point, NumberDataPoint::default()] })),
        ..Metric::default()
    };
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
    let of_resource =
        ResourceMetrics { resource: resource(), scope_metrics, ..ResourceMetrics::default() };
    let request = ExportMetricsServiceRequest { resource_metrics: vec![of_resource] };
    let answer = MetricsServiceClient::new(channel).export(request).await.unwrap().into_inner();
    assert_eq!(answer.partial_success.unwrap().rejected_data_points, 1);

    assert!(panel.text(&format!("/traces/{TRACE}")).await.contains("sold out"));
    assert!(panel.text("/metrics").await.contains("queue.length"));
    let health = panel.json("/api/health").await;
    let stored: Vec<_> =
        health["signals"].as_array().unwrap().iter().map(|of| of["stored"].as_u64()).collect();
    assert_eq!(stored, [Some(1); 3]);
}

#[tokio::test]
async fn invalid_spans_are_reported_and_the_others_stored() {
    let panel = Running::start(Panel::new()).await;
    let mut zero = failed_span();
    zero.trace_id = vec![0; 16];
    let short = Span { span_id: vec![1], ..failed_span() };
    let body = traces(vec![zero, failed_span(), short]).encode_to_vec();
    let response = panel.send("traces", &[PROTOBUF], body).await;
    assert_eq!(response.status(), 200);
    let answer = ExportTraceServiceResponse::decode(response.bytes().await.unwrap()).unwrap();
    let part = answer.partial_success.unwrap();
    assert_eq!(part.rejected_spans, 2);
    assert!(part.error_message.contains("not all zero"), "{}", part.error_message);
    assert_eq!(found(&panel, "").await, 1);
    assert_eq!(panel.json("/api/health").await["signals"][0]["refused"], 2);
}

#[tokio::test]
async fn unreadable_requests_are_refused_and_counted() {
    let panel = Running::start(Panel::new()).await;
    let bomb = gzip(&vec![b' '; MOST_BODY_BYTES + 1]);
    let cases: [(&[Header], Vec<u8>, u16); 8] = [
        (&[PROTOBUF], vec![0xff; 10], 400),
        (&[JSON], b"{".to_vec(), 400),
        (&[JSON], b"{\"resourceSpans\":[{\"resource\":\"\xff\"}]}".to_vec(), 400),
        (&[JSON], b"[".repeat(100_000), 400),
        (&[PROTOBUF, GZIP], b"no gzip".to_vec(), 400),
        (&[("content-type", "text/plain")], Vec::new(), 415),
        (&[PROTOBUF, ("content-encoding", "br")], Vec::new(), 415),
        (&[JSON, GZIP], bomb, 413),
    ];
    let expected = cases.len();
    for (headers, body, status) in cases {
        let response = panel.send("traces", headers, body).await;
        assert_eq!(response.status(), status, "{headers:?}");
    }
    assert_eq!(panel.json("/api/health").await["signals"][0]["malformedRequests"], expected);
    let response = panel.send("logs", &[PROTOBUF], vec![0; MOST_BODY_BYTES + 1]).await;
    assert_eq!(response.status(), 413);
}
