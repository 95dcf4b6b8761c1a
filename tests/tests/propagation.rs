//! Context is propagated through a service with any headers, whether or not the service records
//! spans.

use opentelemetry::{Context, KeyValue, baggage::BaggageExt, trace::TraceContextExt};
use opentelemetry_sdk::trace::Sampler;
use tests::{
    CustomPropagator, EndedSpanExt, Framework, RawClient, Server, Setup, SpanSink,
    on_both_frameworks_either_way, recorded,
};
use tracing_core_ext::{propagation::CompositePropagator, trace::TracerProvider};

on_both_frameworks_either_way![
    a_server_span_continues_the_trace_of_its_caller,
    a_bad_traceparent_restarts_the_trace,
    all_lines_of_tracestate_are_joined,
    the_first_of_several_tracestate_members_with_one_key_is_kept,
    a_trace_that_starts_here_has_the_random_flag,
    a_trace_that_continues_keeps_the_random_flag_as_received,
    members_of_baggage_keep_their_order,
    an_unsampled_caller_stays_unsampled_and_connected,
    context_flows_through_a_service_without_an_sdk,
    context_flows_through_an_unsampled_service,
    unknown_flags_are_not_forwarded,
    without_a_trace_no_context_is_sent,
    baggage_is_readable_in_the_handler,
    another_propagator_replaces_the_default_one,
    context_flows_through_a_service_whose_provider_was_shut_down,
    a_caller_is_continued_and_the_next_is_called_in_the_formats_of_the_list,
    the_debug_flag_of_b3_is_kept_by_a_service_that_samples_nothing,
    a_denied_request_starts_a_trace_that_is_not_sampled,
    a_decision_without_ids_flows_through_a_service_without_an_sdk,
    bad_headers_of_other_formats_restart_the_trace,
    baggage_of_jaeger_is_readable_in_the_handler,
    without_formats_no_context_is_extracted_or_injected,
];

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn a_server_span_continues_the_trace_of_its_caller<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    get(&server, &[traceparent(PARENT).as_slice()]).await;

    let span = sink.only().await;
    assert_eq!(span.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(span.parent_span_is_remote);
}

async fn a_bad_traceparent_restarts_the_trace<F: Framework>() {
    let good = traceparent(PARENT);
    let cases: [&[&[u8]]; 7] = [
        &[b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"],
        &[b"traceparent: 00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"],
        &[b"traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        &[b"traceparent: \xff\xfe"],
        &[b"traceparent:"],
        &[&good, &good],
        &[&[b"traceparent: ".as_slice(), &[b'0'; 4000]].concat()],
    ];
    for headers in cases {
        let sink = SpanSink::new();
        let server = F::serve(Setup::new(&sink)).await;

        get(&server, headers).await;

        let span = sink.only().await;
        assert_ne!(span.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert!(!span.parent_span_is_remote, "{headers:?}");
        assert_eq!(span.integer("http.response.status_code"), Some(200), "{headers:?}");
    }
}

async fn all_lines_of_tracestate_are_joined<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    get(&server, &[&traceparent(PARENT), b"tracestate: a=1, b=2", b"tracestate: c=3"]).await;

    assert_eq!(sink.only().await.span_context.trace_state().header(), "a=1,b=2,c=3");
}

async fn the_first_of_several_tracestate_members_with_one_key_is_kept<F: Framework>() {
    let cases: [(&[&[u8]], &str); 3] = [
        (&[b"tracestate: foo=1,foo=1"], "foo=1"),
        (&[b"tracestate: foo=1,bar=2,foo=2"], "foo=1,bar=2"),
        (&[b"tracestate: foo=1", b"tracestate: foo=2"], "foo=1"),
    ];
    for sampler in [Sampler::AlwaysOn, Sampler::AlwaysOff] {
        for (lines, expected) in cases {
            let sink = SpanSink::new();
            let setup = Setup::with_provider(sink.provider_sampling(sampler.clone()));
            let sent = headers_sent::<F>(setup, &[&[&*traceparent(PARENT)], lines].concat()).await;

            assert!(sent.contains(&format!("tracestate: {expected}\n")), "{lines:?}: {sent}");
        }
    }
}

async fn a_trace_that_starts_here_has_the_random_flag<F: Framework>() {
    for (sampler, flags) in [(Sampler::AlwaysOn, "03"), (Sampler::AlwaysOff, "02")] {
        let provider = TracerProvider::builder().with_sampler(sampler).build();

        let sent = headers_sent::<F>(Setup::with_provider(provider), &[]).await;

        assert_eq!(ids(&sent)[2], flags);
    }
}

async fn a_trace_that_continues_keeps_the_random_flag_as_received<F: Framework>() {
    for (sampler, sampled) in [(Sampler::AlwaysOn, 1), (Sampler::AlwaysOff, 0)] {
        for received in 0..4 {
            let provider = TracerProvider::builder().with_sampler(sampler.clone()).build();
            let parent = traceparent(&PARENT.replace("-01", &format!("-0{received}")));

            let sent = headers_sent::<F>(Setup::with_provider(provider), &[&parent]).await;

            let flags = format!("0{}", received & 2 | sampled);
            assert_eq!(ids(&sent)[2], flags, "{received}");
        }
    }
}

async fn members_of_baggage_keep_their_order<F: Framework>() {
    let members = ["q=1", "w=1;p=2", "e=1", "r=1", "t=1", "y=1", "u=1"];
    let lines =
        [members[..3].join(","), members[3..].join(",")].map(|line| format!("baggage: {line}"));

    let headers = lines.each_ref().map(|line| line.as_bytes());
    let sent = headers_sent::<F>(Setup::new(&SpanSink::new()), &headers).await;

    assert!(sent.contains(&format!("baggage: {}\n", members.join(","))), "{sent}");
}

async fn an_unsampled_caller_stays_unsampled_and_connected<F: Framework>() {
    let sink = SpanSink::new();
    let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
    let setup = Setup::with_provider(sink.provider_sampling(sampler));

    let sent = headers_sent::<F>(setup, &[&traceparent(&PARENT.replace("-01", "-02"))]).await;

    let [trace, span, flags] = ids(&sent);
    assert_eq!(trace, "0af7651916cd43dd8448eb211c80319c");
    assert_ne!(span, "b7ad6b7169203331");
    assert_eq!(flags, "02", "the random flag stays with its trace id");
    assert!(sink.spans().is_empty());
}

async fn unknown_flags_are_not_forwarded<F: Framework>() {
    let setup = Setup::new(&SpanSink::new());
    let sent = headers_sent::<F>(setup, &[&traceparent(&PARENT.replace("-01", "-ff"))]).await;
    assert_eq!(ids(&sent)[2], "03");
}

async fn context_flows_through_a_service_without_an_sdk<F: Framework>() {
    let setup = Setup { has_sdk: false, ..Setup::new(&SpanSink::new()) };
    let headers = [&traceparent(PARENT), b"tracestate: a=1,b=2".as_slice(), b"baggage: user=7"];

    let sent = headers_sent::<F>(setup, &headers).await;

    assert!(sent.contains(&format!("traceparent: {PARENT}\n")), "{sent}");
    assert!(sent.contains("tracestate: a=1,b=2\n"), "{sent}");
    assert!(sent.contains("baggage: user=7\n"), "{sent}");
}

async fn context_flows_through_an_unsampled_service<F: Framework>() {
    let setup = Setup::with_provider(SpanSink::new().provider_sampling(Sampler::AlwaysOff));

    let sent = headers_sent::<F>(setup, &[&traceparent(PARENT), b"tracestate: a=1"]).await;

    let [trace, span, flags] = ids(&sent);
    assert_eq!(trace, "0af7651916cd43dd8448eb211c80319c");
    assert_ne!(span, "b7ad6b7169203331");
    assert_eq!(flags, "00");
    assert!(sent.contains("tracestate: a=1\n"), "{sent}");
}

async fn without_a_trace_no_context_is_sent<F: Framework>() {
    let setup = Setup { has_sdk: false, ..Setup::new(&SpanSink::new()) };
    let sent = headers_sent::<F>(setup, &[]).await;
    for name in ["traceparent", "tracestate", "baggage"] {
        assert!(!sent.contains(name), "{sent}");
    }
}

async fn baggage_is_readable_in_the_handler<F: Framework>() {
    let sink = SpanSink::new();
    let mut setup = Setup::new(&sink);
    setup.work = |_| {
        Context::map_current(|cx| {
            let user = cx.baggage().get("user").map(ToString::to_string).unwrap_or_default();
            cx.span().set_attribute(KeyValue::new("test.user", user));
        });
    };
    let server = F::serve(setup).await;

    reqwest::Client::new()
        .get(server.url("/work"))
        .header("baggage", "user=a%20b")
        .send()
        .await
        .unwrap();

    assert_eq!(sink.only().await.text("test.user"), Some("a b"));
}

async fn another_propagator_replaces_the_default_one<F: Framework>() {
    let setup = Setup { propagator: Some(CustomPropagator.into()), ..Setup::new(&SpanSink::new()) };

    let sent = headers_sent::<F>(setup, &[b"x-shout: hello", &traceparent(PARENT)]).await;

    assert!(sent.contains("x-shout: hello!\n"), "{sent}");
    assert!(!sent.contains("traceparent"), "{sent}");
}

async fn context_flows_through_a_service_whose_provider_was_shut_down<F: Framework>() {
    let provider = SpanSink::new().provider();
    provider.shutdown().unwrap();
    let setup = Setup::with_provider(provider);

    let sent = headers_sent::<F>(setup, &[&traceparent(PARENT)]).await;

    assert!(sent.contains(&format!("traceparent: {PARENT}\n")), "{sent}");
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

async fn a_caller_is_continued_and_the_next_is_called_in_the_formats_of_the_list<F: Framework>() {
    let b3 = "b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1";
    let jaeger = "uber-trace-id: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0:1";
    let cases: [(&str, &str, &[&str]); 4] = [
        ("b3", b3, &["b3: 0af7651916cd43dd8448eb211c80319c-"]),
        ("b3multi", b3, &["x-b3-traceid: 0af7651916cd43dd8448eb211c80319c", "x-b3-sampled: 1"]),
        ("jaeger", jaeger, &["uber-trace-id: 0af7651916cd43dd8448eb211c80319c:"]),
        ("tracecontext,jaeger", jaeger, &["traceparent: 00-", "uber-trace-id: "]),
    ];
    for (list, inbound, expected) in cases {
        let sink = SpanSink::new();
        let server = F::serve(speaking(list, Setup::new(&sink))).await;
        get(&server, &[inbound.as_bytes()]).await;
        let span = sink.only().await;
        assert_eq!(span.span_context.trace_id().to_string(), TRACE, "{list}");
        assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331", "{list}");
        assert!(span.parent_span_is_remote);

        let setup = speaking(list, Setup::new(&SpanSink::new()));
        let sent = headers_sent::<F>(setup, &[inbound.as_bytes()]).await;
        for start in expected {
            assert!(sent.lines().any(|line| line.starts_with(start)), "{list}: {sent}");
        }
        assert_eq!(sent.contains("traceparent"), list.contains("tracecontext"), "{list}: {sent}");
    }
}

async fn the_debug_flag_of_b3_is_kept_by_a_service_that_samples_nothing<F: Framework>() {
    let setup = Setup::with_provider(SpanSink::new().provider_sampling(Sampler::AlwaysOff));
    let inbound = [b"x-b3-traceid: 48485a3953bb6124".as_slice(), b"x-b3-spanid: a2fb4a1d1a96d312"];

    let headers = [&inbound[..], &[b"x-b3-flags: 1"]].concat();
    let sent = headers_sent::<F>(speaking("b3", setup), &headers).await;

    let [trace_id, span_id, state] = b3(&sent);
    assert_eq!(trace_id, "000000000000000048485a3953bb6124");
    assert_ne!(span_id, "a2fb4a1d1a96d312");
    assert_eq!(state, "d");
}

async fn a_denied_request_starts_a_trace_that_is_not_sampled<F: Framework>() {
    for header in [b"b3: 0".as_slice(), b"X-B3-Sampled: 0"] {
        let sink = SpanSink::new();
        let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        let setup = Setup::with_provider(sink.provider_sampling(sampler));

        let sent = headers_sent::<F>(speaking("b3", setup), &[header]).await;

        let [trace_id, _, state] = b3(&sent);
        assert_ne!(trace_id, "00000000000000000000000000000000");
        assert_eq!(state, "0");
        assert!(sink.spans().is_empty());
    }
}

async fn a_decision_without_ids_flows_through_a_service_without_an_sdk<F: Framework>() {
    for (list, expected) in [("b3", "b3: 0\n"), ("b3multi", "x-b3-sampled: 0\n")] {
        let setup = Setup { has_sdk: false, ..Setup::new(&SpanSink::new()) };

        let sent = headers_sent::<F>(speaking(list, setup), &[b"b3: 0"]).await;

        assert!(sent.contains(expected), "{sent}");
    }
}

async fn bad_headers_of_other_formats_restart_the_trace<F: Framework>() {
    let cases: [&[&[u8]]; 6] = [
        &[b"b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1-"],
        &[b"b3: 0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-1"],
        &[b"b3: \xff\xfe", b"x-b3-traceid: 0af7651916cd43dd8448eb211c80319c"],
        &[b"uber-trace-id: 0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331:0"],
        &[b"uber-trace-id: \xff%3A%", b"uberctx-\x7e: \xff"],
        &[&[b"b3: ".as_slice(), &[b'0'; 4000]].concat()],
    ];
    for headers in cases {
        let sink = SpanSink::new();
        let server = F::serve(speaking("b3,jaeger", Setup::new(&sink))).await;

        get(&server, headers).await;

        let span = sink.only().await;
        assert_ne!(span.span_context.trace_id().to_string(), TRACE);
        assert!(!span.parent_span_is_remote, "{headers:?}");
        assert_eq!(span.integer("http.response.status_code"), Some(200), "{headers:?}");
    }
}

async fn baggage_of_jaeger_is_readable_in_the_handler<F: Framework>() {
    let sink = SpanSink::new();
    let mut setup = speaking("jaeger", Setup::new(&sink));
    setup.work = |_| {
        let cx = Context::current();
        let user = cx.baggage().get("user").map(ToString::to_string).unwrap_or_default();
        cx.span().set_attribute(KeyValue::new("test.user", user));
    };
    let server = F::serve(setup).await;

    reqwest::Client::new()
        .get(server.url("/work"))
        .header("uberctx-user", "a%20b")
        .send()
        .await
        .unwrap();

    assert_eq!(sink.only().await.text("test.user"), Some("a b"));
}

async fn without_formats_no_context_is_extracted_or_injected<F: Framework>() {
    let headers = [&traceparent(PARENT), b"baggage: user=7".as_slice(), b"b3: 1"];

    let sent = headers_sent::<F>(speaking("none", Setup::new(&SpanSink::new())), &headers).await;

    for name in ["traceparent", "baggage", "b3"] {
        assert!(!sent.contains(name), "{sent}");
    }
}

fn speaking(list: &str, setup: Setup) -> Setup {
    let propagator = list.parse::<CompositePropagator>().expect("a list of formats");
    Setup { propagator: Some(propagator.into()), ..setup }
}

/// Returns trace id, span id and sampling state of the `b3` line.
fn b3(sent: &str) -> [&str; 3] {
    let line = sent.lines().find_map(|line| line.strip_prefix("b3: "));
    let mut fields = line.unwrap_or_else(|| panic!("no b3 in {sent}")).split('-');
    [(); 3].map(|()| fields.next().expect("three fields"))
}

async fn get(server: &Server, headers: &[&[u8]]) -> String {
    let mut peer = RawClient::connect(server).await.unwrap();
    peer.get("/items/7", headers).await.unwrap();
    peer.read_until("item 7").await.unwrap()
}

/// Returns the headers, one per line, that a service of `setup` sends when it is called with
/// `headers`.
async fn headers_sent<F: Framework>(mut setup: Setup, headers: &[&[u8]]) -> String {
    let propagator = setup.propagator.clone();
    let next = F::serve(Setup { propagator, ..Setup::new(&SpanSink::new()) }).await;
    setup.forward = Some(next.url("/headers"));
    let server = F::serve(setup).await;
    let mut peer = RawClient::connect(&server).await.unwrap();
    peer.get("/forward", &[headers, &[b"connection: close"]].concat()).await.unwrap();
    peer.read_to_end().await.unwrap()
}

fn traceparent(value: &str) -> Vec<u8> {
    [b"traceparent: ", value.as_bytes()].concat()
}

/// Returns trace id, span id and flags of the `traceparent` line.
fn ids(sent: &str) -> [&str; 3] {
    let line = sent.lines().find_map(|line| line.strip_prefix("traceparent: 00-"));
    let mut fields = line.unwrap_or_else(|| panic!("no traceparent in {sent}")).split('-');
    [(); 3].map(|()| fields.next().expect("three fields"))
}
