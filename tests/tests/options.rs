//! The options of both middlewares: each has its documented effect, and none if it is not set.

use futures_util::stream;
use opentelemetry::{
    Context, KeyValue, Value,
    baggage::BaggageExt,
    trace::{Status, TraceContextExt},
};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanLimits};
use reqwest::{RequestBuilder, Response};
use tests::{
    EndedSpanExt, Framework, Server, Setup, SpanSink, measured_with, on_both_frameworks_either_way,
    recorded, recorded_with,
};
use tracing_core_ext::{
    exchange::{ExchangeSummary, ResponseHeader, TrustPolicy},
    http::{CapturedHeaders, Scheme},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

on_both_frameworks_either_way![
    a_trusted_caller_is_the_parent,
    a_linked_caller_is_not_the_parent,
    an_ignored_caller_leaves_no_trace,
    each_caller_may_be_trusted_by_itself,
    baggage_of_a_trusted_caller_can_be_read,
    a_name_can_be_chosen,
    attributes_can_be_added,
    options_that_are_set_twice_add_up,
    an_error_can_be_set_and_removed,
    captured_headers_are_arrays_of_strings,
    other_keys_of_a_query_can_be_redacted,
    the_scheme_can_be_set,
    long_values_are_truncated,
    body_sizes_are_measured_if_enabled,
    a_streamed_body_is_measured_as_it_is_read,
    bodies_are_not_measured_unasked,
    a_second_middleware_adds_nothing,
    a_filtered_request_is_served_in_the_callers_context,
    a_response_has_no_trace_headers_by_default,
    a_response_has_its_trace_id_if_enabled,
    a_response_does_not_return_the_span_of_the_caller,
    the_number_of_attributes_is_limited_by_the_provider,
];

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Response {
    with(reqwest::Client::new().get(server.url(path)), headers).await
}

/// Returns the response after its body was read.
async fn with(mut request: RequestBuilder, headers: &[(&str, &str)]) -> Response {
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, body) = http::Response::from(request.send().await.unwrap()).into_parts();
    let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
    http::Response::from_parts(parts, body).into()
}

async fn a_filtered_request_is_served_in_the_callers_context<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| builder.filter(|_| false)).await;

    let response = get(&server, "/extractor", &[("traceparent", TRACEPARENT)]).await;

    assert_eq!(response.text().await.unwrap(), format!("{TRACE} {CALLER}"));
    assert!(sink.spans().is_empty());
}

async fn a_trusted_caller_is_the_parent<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| builder.trust(TrustPolicy::Trust)).await;

    get(&server, "/items/7", &[("traceparent", TRACEPARENT)]).await;

    let span = sink.only().await;
    assert_eq!(span.parent_span_id.to_string(), CALLER);
    assert_eq!(span.links.len(), 0);
}

async fn a_linked_caller_is_not_the_parent<F: Framework>() {
    let (server, sink) = serve_reading_baggage::<F>(TrustPolicy::LinkOnly).await;

    get(&server, "/work", &[("traceparent", TRACEPARENT), ("baggage", "tenant=blue")]).await;

    let span = sink.only().await;
    assert_ne!(span.span_context.trace_id().to_string(), TRACE);
    assert_eq!(span.parent_span_id, opentelemetry::trace::SpanId::INVALID);
    let linked = &span.links[0].span_context;
    assert_eq!(linked.trace_id().to_string(), TRACE);
    assert_eq!(linked.span_id().to_string(), CALLER);
    assert_eq!(span.links.len(), 1);
    assert_eq!(span.attribute("tenant"), None, "baggage of an untrusted caller is not used");
}

async fn an_ignored_caller_leaves_no_trace<F: Framework>() {
    let (server, sink) = serve_reading_baggage::<F>(TrustPolicy::Ignore).await;

    get(&server, "/work", &[("traceparent", TRACEPARENT), ("baggage", "tenant=blue")]).await;

    let span = sink.only().await;
    assert_ne!(span.span_context.trace_id().to_string(), TRACE);
    assert_eq!(span.links.len(), 0);
    assert_eq!(span.attribute("tenant"), None);
}

async fn baggage_of_a_trusted_caller_can_be_read<F: Framework>() {
    let (server, sink) = serve_reading_baggage::<F>(TrustPolicy::Trust).await;

    get(&server, "/work", &[("baggage", "tenant=blue%20sky;p=1")]).await;

    assert_eq!(sink.only().await.text("tenant"), Some("blue sky"));
}

/// `/work` records the baggage entry `tenant`.
async fn serve_reading_baggage<F: Framework>(policy: TrustPolicy) -> (Server, SpanSink) {
    let sink = SpanSink::new();
    let mut setup = Setup::new(&sink);
    setup.options = Some(match policy {
        TrustPolicy::LinkOnly => |builder| builder.trust(TrustPolicy::LinkOnly),
        TrustPolicy::Ignore => |builder| builder.trust(TrustPolicy::Ignore),
        _ => |builder| builder.trust(TrustPolicy::Trust),
    });
    setup.work = |_| {
        Context::map_current(|cx| {
            if let Some(tenant) = cx.baggage().get("tenant") {
                cx.span().set_attribute(KeyValue::new("tenant", tenant.to_string()));
            }
        });
    };
    (F::serve(setup).await, sink)
}

async fn each_caller_may_be_trusted_by_itself<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| {
        builder.trust_fn(|request| match request.header("x-internal") {
            Some("yes") => TrustPolicy::Trust,
            _ => TrustPolicy::Ignore,
        })
    })
    .await;

    get(&server, "/items/1", &[("traceparent", TRACEPARENT), ("x-internal", "yes")]).await;
    get(&server, "/items/2", &[("traceparent", TRACEPARENT)]).await;

    let spans = sink.wait_for(2).await;
    let traces = spans.iter().map(|span| span.span_context.trace_id().to_string());
    assert_eq!(traces.map(|id| id == TRACE).collect::<Vec<_>>(), [true, false]);
}

async fn the_scheme_can_be_set<F: Framework>() {
    let (server, sink, metrics) =
        measured_with::<F>(|builder| builder.scheme(Scheme::Https).server_address_label(true))
            .await;

    get(&server, "/items/7", &[("host", "shop.example")]).await;

    let span = sink.only().await;
    assert_eq!(span.text("url.scheme"), Some("https"));
    assert_eq!(span.integer("server.port"), Some(443));
    let series = metrics.wait_for("http.server.request.duration", 1).await;
    assert_eq!(series[0].labels["url.scheme"], "https".into());
    assert_eq!(series[0].labels["server.port"], 443.into());
}

async fn a_name_can_be_chosen<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| {
        builder.span_name(|request| (request.path() == "/items/7").then(|| "the seventh".into()))
    })
    .await;

    get(&server, "/items/7", &[]).await;
    get(&server, "/items/8", &[]).await;

    let spans = sink.wait_for(2).await;
    assert_eq!(spans[0].name, "the seventh");
    assert_eq!(spans[0].text("http.route"), Some("/items/{id}"));
    assert_eq!(spans[1].name, "GET /items/{id}");
}

async fn attributes_can_be_added<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| {
        builder
            .request_attributes(|request| {
                let tenant = request.header("x-tenant")?.to_owned();
                Some(KeyValue::new("shop.tenant", tenant))
            })
            .response_attributes(|response| {
                [
                    KeyValue::new("shop.ok", response.status().is_success()),
                    KeyValue::new("shop.typed", response.header("content-type").is_some()),
                ]
            })
    })
    .await;

    get(&server, "/items/7", &[("x-tenant", "blue")]).await;

    let span = sink.only().await;
    assert_eq!(span.text("shop.tenant"), Some("blue"));
    assert_eq!(span.attribute("shop.ok"), Some(&Value::Bool(true)));
    assert_eq!(span.attribute("shop.typed"), Some(&Value::Bool(true)));
}

async fn options_that_are_set_twice_add_up<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| {
        builder
            .request_attributes(|_| [KeyValue::new("test.request.first", true)])
            .request_attributes(|_| [KeyValue::new("test.request.second", true)])
            .response_attributes(|_| [KeyValue::new("test.response.first", true)])
            .response_attributes(|_| [KeyValue::new("test.response.second", true)])
            .capture_request_headers(CapturedHeaders::new(["x-first"]).unwrap())
            .capture_request_headers(CapturedHeaders::new(["x-second"]).unwrap())
            .capture_response_headers(CapturedHeaders::new(["x-cache"]).unwrap())
            .capture_response_headers(CapturedHeaders::new(["x-tag"]).unwrap())
            .redact_query_keys(["first"])
            .redact_query_keys(["second"])
    })
    .await;

    let request = reqwest::Client::new().post(server.url("/echo?first=1&second=2"));
    with(request, &[("x-first", "1"), ("x-second", "2")]).await;

    let span = sink.only().await;
    for key in ["request.first", "request.second", "response.first", "response.second"] {
        assert_eq!(span.attribute(&format!("test.{key}")), Some(&Value::Bool(true)), "{key}");
    }
    assert_eq!(span.texts("http.request.header.x-first"), ["1"]);
    assert_eq!(span.texts("http.request.header.x-second"), ["2"]);
    assert_eq!(span.texts("http.response.header.x-cache"), ["hit"]);
    assert_eq!(span.texts("http.response.header.x-tag"), ["a", "b"]);
    assert_eq!(span.text("url.query"), Some("first=REDACTED&second=REDACTED"));
}

async fn an_error_can_be_set_and_removed<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| {
        builder.error_type(|summary: ExchangeSummary| match summary.status()?.as_u16() {
            429 => Some("throttled".into()),
            503 => None,
            _ => summary.into_error_type(),
        })
    })
    .await;

    for code in [429, 503, 500, 404] {
        get(&server, &format!("/status/{code}"), &[]).await;
    }

    let spans = sink.wait_for(4).await;
    let types: Vec<_> = spans.iter().map(|span| span.text("error.type")).collect();
    assert_eq!(types, [Some("throttled"), None, Some("500"), None]);
    let errors = spans.iter().map(|span| span.status == Status::error(""));
    assert_eq!(errors.collect::<Vec<_>>(), [true, false, true, false]);
}

async fn captured_headers_are_arrays_of_strings<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| {
        builder
            .capture_request_headers(CapturedHeaders::new(["X-Tenant", "x-none"]).unwrap())
            .capture_response_headers(CapturedHeaders::new(["x-cache", "x-tag", "x-none"]).unwrap())
    })
    .await;

    let request = reqwest::Client::new().post(server.url("/echo"));
    with(request, &[("x-tenant", "blue"), ("x-tenant", "red"), ("x-other", "1")]).await;

    let span = sink.only().await;
    assert_eq!(span.texts("http.request.header.x-tenant"), ["blue", "red"]);
    assert_eq!(span.texts("http.response.header.x-cache"), ["hit"]);
    assert_eq!(span.texts("http.response.header.x-tag"), ["a", "b"]);
    let captured = |attribute: &&KeyValue| attribute.key.as_str().contains(".header.");
    assert_eq!(span.attributes.iter().filter(captured).count(), 3);
}

async fn other_keys_of_a_query_can_be_redacted<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| {
        builder.redact_query_keys(["token", "user[password]", "api key"])
    })
    .await;

    let query = "token=t&user%5Bpassword%5D=p&api+key=k&X%2DAmz%2DSignature=x&sig=s&page=2";
    get(&server, &format!("/items/7?{query}"), &[]).await;

    let query = "token=REDACTED&user%5Bpassword%5D=REDACTED&api+key=REDACTED&\
                 X%2DAmz%2DSignature=REDACTED&sig=REDACTED&page=2";
    assert_eq!(sink.only().await.text("url.query"), Some(query));
}

async fn long_values_are_truncated<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| {
        builder
            .attribute_value_length_limit(9)
            .capture_request_headers(CapturedHeaders::new(["x-tenant"]).unwrap())
            .response_attributes(|_| [KeyValue::new("shop.long", "a long value")])
            .error_type(|_| Some("a long error".into()))
    })
    .await;

    let headers = [("x-tenant", "as long as it is wide"), ("user-agent", "test/1.0 (more)")];
    get(&server, "/items/0123456789?page=1234567890", &headers).await;

    let span = sink.only().await;
    assert_eq!(span.text("url.path"), Some("/items/01"));
    assert_eq!(span.text("url.query"), Some("page=1234"));
    assert_eq!(span.text("user_agent.original"), Some("test/1.0 "));
    assert_eq!(span.texts("http.request.header.x-tenant"), ["as long a"]);
    assert_eq!(span.text("shop.long"), Some("a long va"));
    assert_eq!(span.text("error.type"), Some("a long er"));
    assert_eq!(span.name, "GET /items/{id}", "a name is not an attribute");
}

async fn the_number_of_attributes_is_limited_by_the_provider<F: Framework>() {
    let sink = SpanSink::new();
    let limits = SpanLimits { max_attributes_per_span: 5, ..SpanLimits::default() };
    let provider = SdkTracerProvider::builder()
        .with_span_limits(limits)
        .with_span_processor(sink.receiver())
        .build();
    let server = F::serve(Setup::with_provider(provider)).await;

    get(&server, "/items/7?page=2", &[]).await;

    let span = sink.only().await;
    assert_eq!(span.attributes.len(), 5);
    assert!(span.dropped_attributes_count > 0);
}

async fn body_sizes_are_measured_if_enabled<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| builder.body_sizes(true)).await;

    let request = reqwest::Client::new().post(server.url("/echo")).body("seven b");
    assert_eq!(with(request, &[]).await.text().await.unwrap(), "seven b");

    let span = sink.only().await;
    assert_eq!(span.integer("http.request.body.size"), Some(7));
    assert_eq!(span.integer("http.response.body.size"), Some(7));
}

async fn a_streamed_body_is_measured_as_it_is_read<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| builder.body_sizes(true)).await;
    let chunks = stream::iter([Ok::<_, std::io::Error>("four"), Ok("more")]);

    let request = reqwest::Client::new().post(server.url("/echo"));
    with(request.body(reqwest::Body::wrap_stream(chunks)), &[]).await;
    get(&server, "/items/7", &[]).await;

    let spans = sink.wait_for(2).await;
    assert_eq!(spans[0].integer("http.request.body.size"), Some(8));
    assert_eq!(spans[1].integer("http.request.body.size"), Some(0));
}

async fn bodies_are_not_measured_unasked<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    with(reqwest::Client::new().post(server.url("/echo")).body("seven b"), &[]).await;

    let span = sink.only().await;
    assert_eq!(span.attribute("http.request.body.size"), None);
    assert_eq!(span.attribute("http.response.body.size"), None);
}

async fn a_response_has_no_trace_headers_by_default<F: Framework>() {
    let (server, _sink) = recorded::<F>().await;

    let response = get(&server, "/items/7", &[]).await;

    assert_eq!(response.headers().get("traceresponse"), None);
    assert_eq!(response.headers().get("server-timing"), None);
}

async fn a_response_has_its_trace_id_if_enabled<F: Framework>() {
    let (server, sink) = recorded_with::<F>(|builder| {
        builder
            .response_header(ResponseHeader::TraceResponse)
            .response_header(ResponseHeader::ServerTiming)
    })
    .await;

    let response = get(&server, "/items/7", &[("traceparent", TRACEPARENT)]).await;

    let span = sink.only().await;
    let trace = format!("00-{TRACE}-{}-01", span.id());
    assert_eq!(response.headers()["traceresponse"], trace);
    assert_eq!(response.headers()["server-timing"], format!("traceparent;desc=\"{trace}\""));
}

async fn a_response_does_not_return_the_span_of_the_caller<F: Framework>() {
    let (server, _sink) = recorded_with::<F>(|builder| {
        builder.filter(|_| false).response_header(ResponseHeader::TraceResponse)
    })
    .await;

    let response = get(&server, "/items/7", &[("traceparent", TRACEPARENT)]).await;

    assert_eq!(response.headers().get("traceresponse"), None);
}

async fn a_second_middleware_adds_nothing<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let response = get(&server, "/twice/7", &[]).await;

    assert_eq!(response.text().await.unwrap(), "item 7");
    let span = sink.only().await;
    assert_eq!(span.name, "GET /twice/{id}");
    assert_eq!(span.text("http.route"), Some("/twice/{id}"));
}
