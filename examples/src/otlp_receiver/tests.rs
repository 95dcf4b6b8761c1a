use opentelemetry_proto::tonic::resource::v1::Resource;

use super::*;

fn text(key: &str, value: &str) -> common::KeyValue {
    attribute(key, common::any_value::Value::StringValue(value.to_owned()))
}

fn attribute(key: &str, value: common::any_value::Value) -> common::KeyValue {
    common::KeyValue {
        key: key.to_owned(),
        value: Some(common::AnyValue { value: Some(value) }),
        ..common::KeyValue::default()
    }
}

fn span() -> proto::Span {
    proto::Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        parent_span_id: vec![3; 8],
        flags: 0x301,
        name: "GET /stock/{item}".to_owned(),
        kind: proto::span::SpanKind::Server as i32,
        start_time_unix_nano: 1_000_000,
        end_time_unix_nano: 3_500_000,
        attributes: vec![
            attribute("http.response.status_code", common::any_value::Value::IntValue(503)),
            text("error.type", "503"),
        ],
        ..proto::Span::default()
    }
}

fn request(service: &str, spans: Vec<proto::Span>) -> Vec<u8> {
    let resource_spans = proto::ResourceSpans {
        resource: Some(Resource {
            attributes: vec![text("service.name", service)],
            ..Resource::default()
        }),
        scope_spans: vec![proto::ScopeSpans { spans, ..proto::ScopeSpans::default() }],
        ..proto::ResourceSpans::default()
    };
    let resource_spans = vec![resource_spans];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

async fn receiver() -> OtlpReceiver {
    OtlpReceiver::bind("127.0.0.1:0").await.unwrap()
}

async fn post(receiver: &OtlpReceiver, content_type: &str, body: Vec<u8>) -> reqwest::Response {
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(format!("{}/v1/traces", receiver.endpoint()))
        .header("content-type", content_type)
        .body(body)
        .send()
        .await
        .unwrap()
}

async fn rejected_spans(response: reqwest::Response) -> i64 {
    assert_eq!(response.headers()["content-type"], PROTOBUF);
    let body = response.bytes().await.unwrap();
    let response = ExportTraceServiceResponse::decode(body).unwrap();
    response.partial_success.unwrap_or_default().rejected_spans
}

#[tokio::test]
async fn spans_arrive_with_the_data_that_a_waterfall_shows() {
    let mut receiver = receiver().await;
    let response = post(&receiver, PROTOBUF, request("inventory", vec![span()])).await;
    assert_eq!(response.status(), 200);
    assert_eq!(rejected_spans(response).await, 0);
    let expected = WaterfallSpan {
        trace_id: TraceId::from_bytes([1; 16]),
        span_id: SpanId::from_bytes([2; 8]),
        parent_span_id: Some(SpanId::from_bytes([3; 8])),
        remote_parent: true,
        service: "inventory".to_owned(),
        name: "GET /stock/{item}".to_owned(),
        kind: SpanKind::Server,
        start: SystemTime::UNIX_EPOCH + Duration::from_millis(1),
        duration: Duration::from_micros(2_500),
        status_code: Some(503),
        error: Some("503".to_owned()),
        details: None,
    };
    assert_eq!(receiver.recv().await, Some(vec![expected]));
}

#[tokio::test]
async fn a_span_with_bad_ids_is_rejected_and_the_others_are_kept() {
    let mut receiver = receiver().await;
    let mut short = span();
    short.trace_id.pop();
    let mut zero = span();
    zero.span_id = vec![0; 8];
    let body = request("inventory", vec![short, span(), zero]);
    let response = post(&receiver, PROTOBUF, body).await;
    assert_eq!(rejected_spans(response).await, 2);
    assert_eq!(receiver.recv().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_malformed_body_is_refused() {
    let response = post(&receiver().await, PROTOBUF, b"no protobuf".to_vec()).await;
    assert_eq!(response.status(), 400);
    let body = response.bytes().await.unwrap();
    let status = RpcStatus::decode(body).unwrap();
    assert_eq!(status.message, "the body is not an ExportTraceServiceRequest");
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let response = post(&receiver().await, "application/json", b"{}".to_vec()).await;
    assert_eq!(response.status(), 415);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let response = post(&receiver().await, PROTOBUF, vec![0; MOST_BODY_BYTES + 1]).await;
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn with_a_full_channel_the_response_is_503() {
    let receiver = receiver().await;
    let body = request("inventory", vec![span()]);
    for _ in 0..MOST_WAITING_REQUESTS {
        let response = post(&receiver, PROTOBUF, body.clone()).await;
        assert_eq!(response.status(), 200);
    }
    assert_eq!(post(&receiver, PROTOBUF, body).await.status(), 503);
}

#[test]
fn a_span_without_a_service_name_has_an_unknown_service() {
    assert_eq!(service_name(None), "unknown_service");
}
