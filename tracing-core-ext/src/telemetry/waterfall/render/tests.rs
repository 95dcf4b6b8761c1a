use opentelemetry::{SpanId, TraceId, trace::SpanKind};

use super::*;

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
fn the_main_job_looks_like_this() {
    let spans = vec![
        span(5, Some(4), "pricing", "GET /price/{item}").at(12.0, 20.0),
        span(1, None, "gateway", "GET /checkout/{item}").at(0.0, 41.2),
        span(2, Some(1), "gateway", "GET").at(0.4, 40.1),
        span(3, Some(2), "inventory", "GET /stock/{item}").at(1.0, 38.7),
        span(4, Some(3), "inventory", "GET").at(10.0, 24.0),
        span(6, Some(3), "inventory", "reserve").at(35.0, 4.5),
    ];
    let spans = spans.into_iter().map(|span| span.status(200)).collect();
    assert_eq!(
        printed(spans),
        "
trace 0af7651916cd43dd8448eb211c80319c  3 services  6 spans  41.2 ms
gateway    GET /checkout/{item}       200  0.00 ms  41.2 ms  █████████████████████████████
gateway    └ GET                      200  0.40 ms  40.1 ms  █████████████████████████████
inventory    └ GET /stock/{item}      200  1.00 ms  38.7 ms  ████████████████████████████
inventory      ├ GET                  200  10.0 ms  24.0 ms         █████████████████
pricing        │ └ GET /price/{item}  200  12.0 ms  20.0 ms          ███████████████
inventory      └ reserve              200  35.0 ms  4.50 ms                          ████
"
    );
}

#[test]
fn requests_of_one_caller_elsewhere_are_whole_and_stand_side_by_side() {
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
fn failures_are_marked_and_say_why() {
    let spans = vec![
        span(1, None, "gateway", "GET /a").at(0.0, 9.0).status(500).error("500"),
        span(2, Some(1), "gateway", "GET").at(1.0, 2.0).error("connection_refused"),
        span(3, Some(1), "gateway", "GET").at(4.0, 2.0).status(200).error("cancelled"),
    ];
    assert_eq!(
        printed(spans),
        "
trace 0af7651916cd43dd8448eb211c80319c  1 service  3 spans  9.00 ms
gateway  GET /a  ✗ 500  0.00 ms  9.00 ms  ████████████████████████████████████████████████
gateway  ├ GET   ✗      1.00 ms  2.00 ms       ███████████ connection_refused
gateway  └ GET   ✗ 200  4.00 ms  2.00 ms                       ███████████ cancelled
"
    );
}

#[test]
fn a_span_whose_parent_is_elsewhere_stands_on_top_and_says_so() {
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
fn a_trace_continued_from_a_caller_elsewhere_is_not_marked() {
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
fn what_the_network_sent_cannot_steer_the_terminal() {
    let spans = vec![span(1, None, "a\u{1b}[31m", "\u{7}b\r\n").error("\u{202e}c")];
    let printed = printed(spans);
    let controls = printed.chars().filter(|c| c.is_control() && *c != '\n');
    assert_eq!(controls.count(), 0, "{printed:?}");
    assert!(printed.contains("\\u{202e}c"), "{printed:?}");
    assert_eq!(printed.lines().count(), 3, "{printed:?}");
}

#[test]
fn colours_leave_the_columns_where_they_are() {
    let spans = vec![
        span(1, None, "gateway", "GET /a").at(0.0, 9.0).status(200),
        span(2, Some(1), "pricing", "GET").at(1.0, 2.0).error("x"),
    ];
    let waterfall = Waterfall::new(spans);
    let colored = waterfall.render(Style::default().color(true)).to_string();
    assert!(colored.contains("\u{1b}[31m✗  \u{1b}[0m"), "{colored:?}");
    let mut plain = colored.replace("\u{1b}[0m", "");
    for code in ["1", "31", "32", "33", "34", "35", "36"] {
        plain = plain.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(plain, waterfall.to_string());
}

#[test]
fn nothing_is_printed_for_no_spans() {
    assert_eq!(Waterfall::new(Vec::new()).to_string(), "");
}

#[test]
fn an_addition_is_marked() {
    let waterfall = Waterfall::new(vec![span(1, None, "a", "b")]).later(true);
    let header = "trace 0af7651916cd43dd8448eb211c80319c  later  1 service  1 span  0.00 ms";
    assert_eq!(waterfall.to_string().lines().next(), Some(header));
}
