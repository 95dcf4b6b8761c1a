//! Requests that are sent again: one span for every redirect, one span for every attempt, and the
//! resend count on each.

use std::{
    io,
    time::{Duration, Instant},
};

use futures_util::stream;
use opentelemetry::{
    Context,
    trace::{Status, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::Sampler;
use reqwest::{Method, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use tests::{AfterResponse, Axum, EndedSpanExt, RawServer, SpanSink, recorded};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    client::{Client, RequestBuilder, ResendCount, TracingMiddleware, UrlTemplate},
    exchange::{Builder, ExchangeSummary},
};

fn client() -> (Client, SpanSink) {
    let sink = SpanSink::new();
    (Client::builder().tracer_provider(&sink.provider()).build(), sink)
}

fn redirect(status: u16, location: &str) -> (String, AfterResponse) {
    let head = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\n");
    (head + "content-length: 5\r\nconnection: close\r\n\r\nmoved", AfterResponse::Close)
}

fn ok() -> (String, AfterResponse) {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    (answer.to_owned(), AfterResponse::Close)
}

fn has_header(request: &str, name: &str) -> bool {
    request.lines().any(|line| line.starts_with(&format!("{name}: ")))
}

fn counts(spans: &[EndedSpan]) -> Vec<Option<i64>> {
    spans.iter().map(|span| span.integer("http.request.resend_count")).collect()
}

fn statuses(spans: &[EndedSpan]) -> Vec<Option<i64>> {
    spans.iter().map(|span| span.integer("http.response.status_code")).collect()
}

#[tokio::test]
async fn every_redirect_has_its_own_span() {
    let (client, sink) = client();
    let mut raw_server =
        RawServer::serve([redirect(302, "/b"), redirect(307, "c?sig=x"), ok()]).await;

    let response = client.get(raw_server.url("/a")).send().await.unwrap();
    assert_eq!(response.url().as_str(), raw_server.url("/c?sig=x"));
    assert_eq!(response.text().await.unwrap(), "ok");

    let spans = sink.wait_for(3).await;
    assert_eq!(counts(&spans), [None, Some(1), Some(2)]);
    assert_eq!(statuses(&spans), [Some(302), Some(307), Some(200)]);
    for (span, path) in spans.iter().zip(["/a", "/b", "/c?sig=REDACTED"]) {
        assert_eq!(span.text("url.full"), Some(raw_server.url(path).as_str()));
        assert_eq!(span.status, Status::Unset);
        assert_eq!(span.attribute("error.type"), None);
        let request = raw_server.request().await;
        assert!(request.contains(&span.id().to_string()), "{request}");
    }
}

#[tokio::test]
async fn redirects_are_siblings_below_the_callers_span() {
    let (client, sink) = client();
    let users = SpanSink::new();
    let raw_server = RawServer::serve([redirect(302, "/b"), ok()]).await;

    let current = Context::new().with_span(users.provider().tracer("users").start("parent"));
    let sending = {
        let _attached = current.clone().attach();
        client.get(raw_server.url("/a")).send()
    };
    tokio::spawn(sending).await.unwrap().unwrap().bytes().await.unwrap();
    drop(current);

    let parent = users.only().await;
    assert!(sink.wait_for(2).await.iter().all(|span| span.is_child_of(&parent)));
}

#[tokio::test]
async fn a_redirect_is_complete_although_its_body_is_not_read() {
    let sink = SpanSink::new();
    let client = Client::builder()
        .tracer_provider(&sink.provider())
        .error_type(|summary: ExchangeSummary| Some(format!("{:?}", summary.outcome()).into()))
        .build();
    let raw_server = RawServer::serve([redirect(302, "/b"), ok()]).await;

    client.get(raw_server.url("/a")).send().await.unwrap().bytes().await.unwrap();

    for span in sink.wait_for(2).await {
        assert_eq!(span.text("error.type"), Some("Complete"));
    }
}

#[tokio::test]
async fn a_template_names_the_first_request_and_no_redirect() {
    let (client, sink) = client();
    let raw_server = RawServer::serve([redirect(302, "/b"), ok()]).await;

    let request = client.get(raw_server.url("/stock/7")).url_template("/stock/{id}");
    request.send().await.unwrap().bytes().await.unwrap();

    let spans = sink.wait_for(2).await;
    assert_eq!([&spans[0].name, &spans[1].name], ["GET /stock/{id}", "GET"]);
    assert_eq!(spans[1].attribute("url.template"), None);
}

#[tokio::test]
async fn a_body_is_sent_again_if_the_method_is_kept() {
    for (status, method, sent) in
        [(302, "GET", false), (303, "GET", false), (307, "POST", true), (308, "POST", true)]
    {
        let (client, sink) = client();
        let mut raw_server = RawServer::serve([redirect(status, "/b"), ok()]).await;

        client.post(raw_server.url("/a")).body("body").send().await.unwrap().bytes().await.unwrap();

        assert!(raw_server.request().await.ends_with("body"));
        let second = raw_server.request().await;
        assert!(second.starts_with(&format!("{method} /b ")), "{second}");
        assert_eq!(second.ends_with("body"), sent, "{second}");
        let spans = sink.wait_for(2).await;
        assert_eq!(spans[1].text("http.request.method"), Some(method));
    }
}

#[tokio::test]
async fn a_streamed_body_is_not_sent_again() {
    let stream = || reqwest::Body::wrap_stream(stream::iter([Ok::<_, io::Error>("one")]));
    let (client, sink) = client();
    let raw_server = RawServer::serve([redirect(307, "/b")]).await;
    let answer = client.post(raw_server.url("/a")).body(stream()).send().await.unwrap();
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.text().await.unwrap(), "moved");
    sink.only().await;

    let raw_server = RawServer::serve([redirect(303, "/b"), ok()]).await;
    let answer = client.post(raw_server.url("/a")).body(stream()).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "ok");
}

#[tokio::test]
async fn credentials_do_not_follow_to_another_host() {
    let sink = SpanSink::new();
    let mut other = RawServer::serve([ok()]).await;
    let mut raw_server =
        RawServer::serve([redirect(302, "/b"), redirect(302, &other.url("/c"))]).await;
    let client = Client::builder().tracer_provider(&sink.provider()).build();

    let request =
        client.get(raw_server.url("/a")).bearer_auth("token").header("accept", "text/plain");
    request.send().await.unwrap().bytes().await.unwrap();

    for _ in 0..2 {
        assert!(has_header(&raw_server.request().await, "authorization"));
    }
    let elsewhere = other.request().await;
    assert!(!has_header(&elsewhere, "authorization"));
    assert!(has_header(&elsewhere, "accept"));
    assert!(has_header(&elsewhere, "traceparent"));
}

#[tokio::test]
async fn too_many_redirects_are_an_error_as_in_reqwest() {
    let (client, sink) = client();
    let raw_server = RawServer::serve((0..20).map(|_| redirect(302, "/again"))).await;

    let error = client.get(raw_server.url("/")).send().await.unwrap_err();

    assert!(error.is_redirect(), "{error:?}");
    let spans = sink.wait_for(11).await;
    let (last, followed) = spans.split_last().unwrap();
    assert_eq!(last.text("error.type"), Some("redirect_error"));
    assert_eq!(last.integer("http.request.resend_count"), Some(10));
    assert!(followed.iter().all(|span| span.status == Status::Unset));

    let bare = RawServer::serve((0..20).map(|_| redirect(302, "/again"))).await;
    assert!(reqwest::get(bare.url("/")).await.unwrap_err().is_redirect());
}

/// Sends a request that is redirected twice, with a client that follows `max` redirects.
async fn sent_with(max: usize) -> (reqwest::Result<Response>, Vec<Option<i64>>) {
    let sink = SpanSink::new();
    let client = Client::builder().tracer_provider(&sink.provider()).max_redirects(max).build();
    let raw_server = RawServer::serve([redirect(302, "/b"), redirect(302, "/c"), ok()]).await;
    let sent = client.get(raw_server.url("/a")).send().await;
    (sent, statuses(&sink.spans()))
}

#[tokio::test]
async fn the_configured_number_of_redirects_is_followed() {
    assert_eq!(sent_with(2).await.0.unwrap().status(), 200);

    let (sent, spans) = sent_with(1).await;
    assert!(sent.unwrap_err().is_redirect());
    assert_eq!(spans, [Some(302), None]);
}

#[tokio::test]
async fn a_redirect_that_is_not_followed_is_the_response() {
    for _ in 0..2 {
        let (sent, spans) = sent_with(0).await;
        assert_eq!(sent.unwrap().status(), 302);
        // The body of the response is not read yet.
        assert_eq!(spans, []);
        // The result for an earlier request on this thread has no effect.
        sent_with(1).await.0.unwrap_err();
    }
}

#[tokio::test]
async fn a_redirect_to_another_scheme_is_the_error_of_reqwest_and_has_no_span() {
    for location in ["ftp://shop.example/", "mailto:joe@shop.example"] {
        let (client, sink) = client();
        let raw_server = RawServer::serve([redirect(302, location), redirect(302, location)]).await;

        let error = client.get(raw_server.url("/")).send().await.unwrap_err();

        let bare = reqwest::get(raw_server.url("/")).await.unwrap_err();
        assert_eq!(error.to_string(), bare.to_string());
        assert!(error.is_builder() && bare.is_builder());
        assert_eq!(sink.only().await.text("error.type"), Some("request_error"));
    }
}

#[tokio::test]
async fn the_time_limit_of_a_request_may_be_unlimited() {
    let (client, _) = client();
    let raw_server = RawServer::serve([redirect(302, "/b"), ok()]).await;

    let request = client.get(raw_server.url("/a")).timeout(Duration::MAX);

    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_redirect_without_a_location_is_the_response() {
    let nowhere = "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (client, sink) = client();
    let raw_server = RawServer::serve([(nowhere, AfterResponse::Close)]).await;

    assert_eq!(client.get(raw_server.url("/")).send().await.unwrap().status(), 302);

    assert_eq!(sink.only().await.status, Status::Unset);
}

#[tokio::test]
async fn the_time_limit_of_a_request_holds_for_all_its_redirects() {
    let (client, sink) = client();
    assert_time_limit_of_all_redirects(sink, |url| client.get(url).timeout(LIMIT)).await;
}

#[tokio::test]
async fn the_time_limit_of_a_client_holds_for_all_redirects() {
    let sink = SpanSink::new();
    let builder = Client::builder().tracer_provider(&sink.provider());
    let client = builder.wrap_builder(reqwest::Client::builder().timeout(LIMIT)).unwrap();
    assert_time_limit_of_all_redirects(sink, |url| client.get(url)).await;
}

const LIMIT: Duration = Duration::from_millis(1000);

/// Two requests that together take longer than the limit, and neither alone.
async fn assert_time_limit_of_all_redirects(
    sink: SpanSink,
    request: impl FnOnce(String) -> RequestBuilder,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (limit, delay) = (LIMIT, Duration::from_millis(800));

    let started = Instant::now();
    let sending = tokio::spawn(request(url).send());
    let mut slow = listener.accept().await.unwrap().0;
    tokio::time::sleep(delay).await;
    slow.write_all(redirect(302, "/b").0.as_bytes()).await.unwrap();
    drop(slow);
    let error = sending.await.unwrap().unwrap_err();

    assert!(error.is_timeout());
    assert!(started.elapsed() < limit + delay);
    assert_eq!(sink.wait_for(2).await[1].text("error.type"), Some("timeout"));
}

#[tokio::test]
async fn a_wrapped_builder_follows_with_spans_and_a_wrapped_client_without() {
    let sink = SpanSink::new();
    let builder = || Client::builder().tracer_provider(&sink.provider());
    let raw_server = RawServer::serve([redirect(302, "/b"), ok(), redirect(302, "/b"), ok()]).await;

    let following = builder().wrap_builder(reqwest::Client::builder()).unwrap();
    following.get(raw_server.url("/a")).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(sink.wait_for(2).await.len(), 2);

    let wrapped = builder().wrap(reqwest::Client::new());
    wrapped.get(raw_server.url("/a")).send().await.unwrap().bytes().await.unwrap();
    let spans = sink.wait_for(3).await;
    assert_eq!(statuses(&spans[2..]), [Some(200)]);
    assert_eq!(spans[2].text("url.full"), Some(raw_server.url("/a").as_str()));
}

#[tokio::test]
async fn a_redirect_that_is_not_sampled_is_followed_as_well() {
    let sink = SpanSink::new();
    let provider = sink.provider_sampling(Sampler::AlwaysOff);
    let client = Client::builder().tracer_provider(&provider).build();
    let mut raw_server = RawServer::serve([redirect(302, "/b"), ok()]).await;

    client.get(raw_server.url("/a")).send().await.unwrap().bytes().await.unwrap();

    for _ in 0..2 {
        assert!(has_header(&raw_server.request().await, "traceparent"));
    }
    assert!(sink.spans().is_empty());
}

#[tokio::test]
async fn a_loop_may_set_the_resend_count_of_a_request() {
    let (client, sink) = client();
    let (server, _) = recorded::<Axum>().await;
    let request = client.request(Method::GET, server.url("/status/503"));

    for count in 0..3 {
        let attempt = request.try_clone().unwrap().resend_count(count);
        attempt.send().await.unwrap().bytes().await.unwrap();
    }

    assert_eq!(counts(&sink.wait_for(3).await), [None, Some(1), Some(2)]);
}

#[tokio::test]
async fn a_copy_of_a_request_keeps_its_template_and_its_count() {
    let (client, sink) = client();
    let (server, _) = recorded::<Axum>().await;
    let request = client.get(server.url("/items/7")).url_template("/items/{id}").resend_count(4);

    request.try_clone().unwrap().send().await.unwrap().bytes().await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.name, "GET /items/{id}");
    assert_eq!(span.integer("http.request.resend_count"), Some(4));
}

fn tracing(sink: &SpanSink) -> Builder<TracingMiddleware> {
    TracingMiddleware::builder().tracer_provider(&sink.provider())
}

fn retrying() -> RetryTransientMiddleware<ExponentialBackoff> {
    let backoff = ExponentialBackoff::builder()
        .retry_bounds(Duration::ZERO, Duration::ZERO)
        .build_with_max_retries(2);
    RetryTransientMiddleware::new_with_policy(backoff)
}

fn with_tracing_inside(sink: &SpanSink) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new()).with(retrying()).with(tracing(sink).build()).build()
}

#[tokio::test]
async fn inside_of_retries_every_attempt_has_a_span_and_its_count() {
    let sink = SpanSink::new();
    let (server, server_sink) = recorded::<Axum>().await;

    let request = with_tracing_inside(&sink).get(server.url("/status/503"));
    let request = request.with_extension(UrlTemplate::new("/status/{code}"));
    request.send().await.unwrap().bytes().await.unwrap();

    let spans = sink.wait_for(3).await;
    assert_eq!(statuses(&spans), [Some(503); 3]);
    assert_eq!(counts(&spans), [None, Some(1), Some(2)]);
    for span in &spans {
        assert_eq!(span.name, "GET /status/{code}");
        assert_eq!(span.text("error.type"), Some("503"));
        assert!(server_sink.wait_for(3).await.iter().any(|served| served.is_child_of(span)));
    }
}

#[tokio::test]
async fn retries_may_start_at_another_count() {
    let sink = SpanSink::new();
    let (server, _) = recorded::<Axum>().await;

    let request = with_tracing_inside(&sink).get(server.url("/items/7"));
    let request = request.with_extension(ResendCount::new(5));
    request.send().await.unwrap().bytes().await.unwrap();

    assert_eq!(sink.only().await.integer("http.request.resend_count"), Some(5));
}

#[tokio::test]
async fn a_size_that_may_be_that_of_a_decompressed_body_is_left_out() {
    let sink = SpanSink::new();
    let tracing = tracing(&sink).body_sizes(true).build();
    let client = ClientBuilder::new(reqwest::Client::new()).with(tracing).build();
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\non\r\n0\r\n\r\n";
    let counted = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\non";
    let raw_server =
        RawServer::serve([(chunked, AfterResponse::Close), (counted, AfterResponse::Close)]).await;

    for _ in 0..2 {
        client.get(raw_server.url("/")).send().await.unwrap().bytes().await.unwrap();
    }

    let sizes = sink.wait_for(2).await;
    let sizes: Vec<_> = sizes.iter().map(|it| it.integer("http.response.body.size")).collect();
    assert_eq!(sizes, [None, Some(2)]);
}

#[tokio::test]
async fn outside_of_retries_all_attempts_are_one_span() {
    let sink = SpanSink::new();
    let (server, server_sink) = recorded::<Axum>().await;
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(tracing(&sink).build())
        .with(retrying())
        .build();

    client.get(server.url("/status/503")).send().await.unwrap().bytes().await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.attribute("http.request.resend_count"), None);
    assert_eq!(span.text("error.type"), Some("503"));
    assert!(server_sink.wait_for(3).await.iter().all(|served| served.is_child_of(&span)));
}

#[tokio::test]
async fn a_failed_request_within_middleware_has_the_same_error_type() {
    let sink = SpanSink::new();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/");

    with_tracing_inside(&sink).get(&url).send().await.unwrap_err();
    let outside = ClientBuilder::new(reqwest::Client::new())
        .with(tracing(&sink).build())
        .with(retrying())
        .build();
    outside.get(&url).send().await.unwrap_err();

    for span in sink.wait_for(4).await {
        assert_eq!(span.text("error.type"), Some("connection_error"));
    }
}

#[tokio::test]
async fn the_options_of_the_middleware_apply() {
    let sink = SpanSink::new();
    let (server, _) = recorded::<Axum>().await;
    let tracing = tracing(&sink)
        .filter(|request| request.path() != "/empty")
        .span_name(|_| Some("call".into()))
        .build();
    let client = ClientBuilder::new(reqwest::Client::new()).with(tracing).build();

    for path in ["/empty", "/items/7"] {
        client.get(server.url(path)).send().await.unwrap().bytes().await.unwrap();
    }

    assert_eq!(sink.only().await.name, "call");
}
