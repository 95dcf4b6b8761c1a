use std::time::{Duration, SystemTime};

use opentelemetry::{
    KeyValue, SpanId, TraceId,
    trace::{Event, Link, SpanContext, SpanKind},
};

use super::*;
use crate::export::console::waterfall::{
    span::{WaterfallDetails, WaterfallSpan},
    text::width,
};

fn span(id: u64, parent: Option<u64>, service: &str, name: &str) -> WaterfallSpan {
    WaterfallSpan {
        trace_id: TraceId::from(0x0af7651916cd43dd8448eb211c80319c_u128),
        span_id: SpanId::from(id),
        parent_span_id: parent.map(SpanId::from),
        remote_parent: false,
        service: service.to_owned(),
        name: name.to_owned(),
        kind: SpanKind::Server,
        start: SystemTime::UNIX_EPOCH,
        duration: Duration::ZERO,
        status_code: None,
        error: None,
        details: None,
    }
}

impl WaterfallSpan {
    fn at(mut self, start_ms: f64, duration_ms: f64) -> Self {
        self.start += Duration::from_secs_f64(start_ms / 1_000.0);
        self.duration = Duration::from_secs_f64(duration_ms / 1_000.0);
        self
    }

    fn status(mut self, code: u16) -> Self {
        self.status_code = Some(code);
        self
    }

    fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = kind;
        self
    }

    fn error(mut self, error: &str) -> Self {
        self.error = Some(error.to_owned());
        self
    }
}

fn printed(spans: Vec<WaterfallSpan>) -> String {
    let waterfall = Waterfall::new(spans);
    let printed = waterfall.render(Style::default().width(90)).to_string();
    format!("\n{printed}")
}

#[test]
fn a_trace_of_three_services_looks_like_this() {
    let spans = vec![
        span(5, Some(4), "pricing", "GET /price/{item}").at(12.0, 20.0),
        span(1, None, "gateway", "GET /checkout/{item}").at(0.0, 41.2),
        span(2, Some(1), "gateway", "GET").at(0.4, 40.1).kind(SpanKind::Client),
        span(3, Some(2), "inventory", "GET /stock/{item}").at(1.0, 38.7),
        span(4, Some(3), "inventory", "GET").at(10.0, 24.0).kind(SpanKind::Client),
        span(6, Some(3), "inventory", "reserve").at(35.0, 4.5),
    ];
    let spans = spans.into_iter().map(|span| span.status(200)).collect();
    assert_eq!(
        printed(spans),
        "
trace 0af7651916cd43dd8448eb211c80319c  3 services  6 spans  41.2 ms
gateway    GET /checkout/{item}       200  0.00 ms  41.2 ms  █████████████████████████████
gateway    └ → GET                    200  0.40 ms  40.1 ms  █████████████████████████████
inventory    └ GET /stock/{item}      200  1.00 ms  38.7 ms  ████████████████████████████
inventory      ├ → GET                200  10.0 ms  24.0 ms         █████████████████
pricing        │ └ GET /price/{item}  200  12.0 ms  20.0 ms          ███████████████
inventory      └ reserve              200  35.0 ms  4.50 ms                          ████
"
    );
}

#[test]
fn requests_of_one_remote_caller_are_whole_and_stand_side_by_side() {
    let request = |id, caller| WaterfallSpan {
        remote_parent: true,
        ..span(id, Some(caller), "gateway", "GET /a").at(id as f64, 2.0)
    };
    let twice = vec![request(1, 99), request(2, 99), span(3, Some(2), "gateway", "GET")];
    assert!(Waterfall::is_whole(&twice));
    assert!(!printed(twice).contains('…'));

    let of_two_callers = vec![request(1, 98), request(2, 99)];
    assert!(!Waterfall::is_whole(&of_two_callers));
    assert_eq!(printed(of_two_callers).matches('…').count(), 2);
}

#[test]
fn failures_are_marked_and_show_their_error() {
    let spans = vec![
        span(1, None, "gateway", "GET /a").at(0.0, 9.0).status(500).error("500"),
        span(2, Some(1), "gateway", "GET").at(1.0, 2.0).error("connection_refused"),
        span(3, Some(1), "gateway", "GET").at(4.0, 2.0).status(200).error("cancelled"),
    ];
    assert_eq!(
        printed(spans),
        "
trace 0af7651916cd43dd8448eb211c80319c  1 service  3 spans  9.00 ms  ✗ 3
gateway  GET /a  ✗ 500  0.00 ms  9.00 ms  ████████████████████████████████████████████████
gateway  ├ GET   ✗      1.00 ms  2.00 ms       ███████████ connection_refused
gateway  └ GET   ✗ 200  4.00 ms  2.00 ms                       ███████████ cancelled
"
    );
}

#[test]
fn a_span_whose_parent_is_missing_stands_on_top_with_a_mark() {
    let spans = vec![
        span(2, Some(99), "inventory", "GET /stock").at(5.0, 5.0),
        span(3, Some(2), "inventory", "query").at(6.0, 1.0),
        span(1, None, "gateway", "GET /a").at(0.0, 10.0),
    ];
    assert_eq!(
        printed(spans),
        "
trace 0af7651916cd43dd8448eb211c80319c  2 services  3 spans  10.0 ms
gateway    GET /a          0.00 ms  10.0 ms  █████████████████████████████████████████████
inventory  … GET /stock    5.00 ms  5.00 ms                        ███████████████████████
inventory    └ query       6.00 ms  1.00 ms                             █████
"
    );
}

#[test]
fn a_trace_continued_from_a_remote_caller_is_not_marked() {
    let mut entry = span(2, Some(99), "inventory", "GET /stock").at(0.0, 5.0);
    entry.remote_parent = true;
    let query = span(3, Some(2), "inventory", "query").at(1.0, 1.0);
    let printed = printed(vec![entry, query]);
    assert!(!printed.contains('…'), "{printed}");
    assert!(printed.contains("inventory  └ query"), "{printed}");
}

#[test]
fn parents_in_a_circle_and_repeated_spans_are_shown_once_each() {
    let spans = vec![
        span(1, Some(2), "a", "one").at(0.0, 1.0),
        span(2, Some(1), "a", "two").at(0.0, 1.0),
        span(3, Some(3), "a", "self").at(0.0, 1.0),
        span(3, Some(3), "a", "self").at(0.0, 1.0),
    ];
    let printed = printed(spans);
    for name in ["one", "two", "self"] {
        assert_eq!(printed.matches(name).count(), 1, "{printed}");
    }
    assert!(printed.contains("3 spans"), "{printed}");
}

#[test]
fn a_very_deep_trace_is_printed_with_bounded_indentation() {
    let deep = |id: u64| span(id, id.checked_sub(1).filter(|id| *id > 0), "a", "n");
    let spans = (1..=20_000).map(deep).collect();
    let printed = printed(spans);
    assert_eq!(printed.lines().count(), 20_002);
    assert!(printed.lines().all(|line| line.chars().count() < 120));
}

#[test]
fn text_from_the_network_is_escaped_for_terminals() {
    let spans = vec![span(1, None, "a\u{1b}[31m", "\u{7}b\r\n").error("\u{202e}c")];
    let printed = printed(spans);
    let controls = printed.chars().filter(|c| c.is_control() && *c != '\n');
    assert_eq!(controls.count(), 0, "{printed:?}");
    assert!(printed.contains("\\u{202e}c"), "{printed:?}");
    assert_eq!(printed.lines().count(), 3, "{printed:?}");
}

#[test]
fn colours_do_not_move_columns() {
    let spans = vec![
        span(1, None, "gateway", "GET /a").at(0.0, 9.0).status(200),
        span(2, Some(1), "pricing", "GET").at(1.0, 2.0).error("x"),
    ];
    let waterfall = Waterfall::new(spans);
    let colored = waterfall.render(Style::default().color(true)).to_string();
    assert!(colored.contains("\u{1b}[31m✗  \u{1b}[0m"), "{colored:?}");
    let mut parts = colored.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    let plain = parts.fold(first, |plain, part| plain + part.split_once('m').unwrap().1);
    assert_eq!(plain, waterfall.to_string());
}

#[test]
fn nothing_is_printed_for_no_spans() {
    assert_eq!(Waterfall::new(Vec::new()).to_string(), "");
}

#[test]
fn the_deepest_span_of_a_trace_still_has_its_name() {
    let chain = (1..=200).map(|id| span(id, (id > 1).then(|| id - 1), "a", "work"));
    let printed = Waterfall::new(chain.collect()).to_string();
    assert_eq!(printed.lines().filter(|line| line.contains("└ work")).count(), 199, "{printed}");
}

#[test]
fn an_addition_is_marked() {
    let waterfall = Waterfall::new(vec![span(1, None, "a", "b")]).later(true);
    let header = "trace 0af7651916cd43dd8448eb211c80319c  later  1 service  1 span  0.00 ms";
    assert_eq!(waterfall.to_string().lines().next(), Some(header));
}

#[test]
fn client_producer_and_consumer_spans_have_marks() {
    for (kind, shown) in [
        (SpanKind::Server, "a  work  "),
        (SpanKind::Internal, "a  work  "),
        (SpanKind::Client, "a  → work  "),
        (SpanKind::Producer, "a  » work  "),
        (SpanKind::Consumer, "a  « work  "),
    ] {
        let printed = printed(vec![span(1, None, "a", "work").kind(kind.clone())]);
        assert!(printed.contains(&format!("\n{shown}")), "{kind:?}: {printed}");
    }
}

#[test]
fn wide_characters_keep_the_columns_aligned() {
    let spans = vec![
        span(1, None, "茶店", "GET /茶/{item}").at(0.0, 9.0).status(200),
        span(2, Some(1), "shop", "e\u{301}tat").at(0.0, 9.0).status(200),
    ];
    let printed = printed(spans);
    let before_bar: Vec<_> =
        printed.lines().skip(2).map(|line| width(line.split('█').next().unwrap())).collect();
    assert_eq!(before_bar[0], before_bar[1], "{printed}");
}

#[test]
fn a_line_is_no_wider_than_the_terminal_except_for_required_columns() {
    let name = "GET /warehouses/{warehouse}/shelves/{shelf}/items/{item}";
    let spans = vec![
        span(1, None, "gateway", name).at(0.0, 900.0).status(500).error("500"),
        span(2, Some(1), "gateway", name).at(1.0, 899.0).error(&"long ".repeat(20)).status(500),
        span(3, Some(2), "inventory", "GET").at(100.0, 1.0).error("connection_refused"),
    ];
    let waterfall = Waterfall::new(spans);
    for columns in [80, 100, 120, 200] {
        let printed = waterfall.render(Style::default().width(columns)).to_string();
        let widest = printed.lines().map(width).max();
        assert!(widest.is_some_and(|widest| widest <= columns), "{columns}\n{printed}");
        assert!(printed.contains(" connection_"), "{printed}");
    }
    for columns in [0, 1, 20, 40] {
        let printed = waterfall.render(Style::default().width(columns)).to_string();
        assert!(printed.contains("✗ 500") && printed.contains('█'), "{printed}");
    }
}

/// Returns a failed request with an event and a link.
fn detailed() -> Vec<WaterfallSpan> {
    let stack = vec![
        KeyValue::new("exception.type", "NoStock"),
        KeyValue::new("exception.message", "no durian left\u{1b}[2J\nnone at all"),
    ];
    let raised = SystemTime::UNIX_EPOCH + Duration::from_millis(3);
    let linked = SpanContext::new(
        TraceId::from(7_u128),
        SpanId::from(8),
        Default::default(),
        true,
        Default::default(),
    );
    let details = WaterfallDetails {
        description: "no durian left".to_owned(),
        attributes: vec![
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.path", "/stock/durian/".repeat(20)),
        ],
        events: vec![Event::new("exception", raised, stack, 0)],
        links: vec![Link::new(linked, vec![KeyValue::new("why", "batch")], 0)],
    };
    let mut root = span(1, None, "inventory", "GET /stock/{item}").at(0.0, 9.0).status(500);
    root.error = Some("500".to_owned());
    root.details = Some(Box::new(details));
    vec![root, span(2, Some(1), "inventory", "count").at(1.0, 2.0)]
}

#[test]
fn attributes_events_and_links_stand_below_their_span_if_enabled() {
    let style = Style::default().width(90);
    let waterfall = Waterfall::new(detailed());
    assert!(!waterfall.render(style).to_string().contains("url.path"));
    assert_eq!(
        format!("\n{}", waterfall.render(style.attributes(true))),
        "
trace 0af7651916cd43dd8448eb211c80319c  1 service  2 spans  9.00 ms  ✗ 1
inventory  GET /stock/{item}  ✗ 500  0.00 ms  9.00 ms  ███████████████████████████████████
           │ error                no durian left
           │ http.request.method  GET
           │ url.path             /stock/durian//stock/durian//stock/durian//stock/durian…
           │ • exception          at 3.00 ms
           │   exception.type     NoStock
           │   exception.message  no durian left\\u{1b}[2J\\u{a}none at all
           │ ~ link
           │   trace_id           00000000000000000000000000000007
           │   span_id            0000000000000008
           │   why                batch
inventory  └ count                   1.00 ms  2.00 ms     █████████
"
    );
}
