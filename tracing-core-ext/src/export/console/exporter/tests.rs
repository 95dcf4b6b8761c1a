use std::io::Write;

use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{
        SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceState, Tracer,
        TracerProvider,
    },
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

use super::*;
use crate::{
    config::batch::BatchConfig,
    export::{
        console::output::tests::Page,
        delivery::Snapshot,
        pipeline::{Pipeline, PipelineOptions, exporter::SdkExporter},
    },
    trace::TracerProvider as Provider,
};

const INBOUND: TraceId = TraceId::from_bytes([7; 16]);

const BATCH: BatchConfig = BatchConfig::new(64, 1, None);

fn state() -> Arc<ExportState> {
    Arc::new(ExportState::for_spans("standard output".to_owned(), "console", &BATCH))
}

fn exporter(console: &Console, most_spans: usize) -> ConsoleExporter {
    let mut exporter = ConsoleExporter::new("shop", console, false, state());
    exporter.state.get_mut().unwrap().waiting = TraceBuffer::new(most_spans);
    exporter
}

fn printer(most_spans: usize) -> (ConsoleExporter, Page) {
    let page = Page::default();
    (exporter(&Console::new().writer(page.clone()), most_spans), page)
}

/// Returns a child and its parent, a server span with a remote parent, in the order in which they
/// end.
fn child_and_root() -> (SpanData, SpanData) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let tracer = provider.tracer("test");
    let parent = Context::new().with_remote_span_context(SpanContext::new(
        INBOUND,
        SpanId::from_bytes([9; 8]),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    ));
    let root = tracer
        .span_builder("GET /stock")
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("http.response.status_code", 200)])
        .start_with_context(&tracer, &parent);
    let root = parent.with_span(root);
    drop(tracer.start_with_context("query", &root));
    drop(root);
    let mut ended = exporter.get_finished_spans().unwrap().into_iter();
    (ended.next().unwrap(), ended.next().unwrap())
}

#[test]
fn a_trace_is_printed_whole_when_its_local_root_has_ended() {
    let (exporter, page) = printer(10);
    let (child, root) = child_and_root();
    exporter.print_batch(vec![child]);
    assert_eq!(page.text(), "");
    exporter.print_batch(vec![root]);
    let text = page.text();
    assert!(text.starts_with("trace 07070707"), "{text}");
    assert!(text.contains("1 service  2 spans"), "{text}");
    assert!(text.contains("shop  GET /stock  200"), "{text}");
    assert!(text.contains("shop  └ query"), "{text}");
}

#[test]
fn a_span_that_ends_after_its_root_is_printed_at_once_and_marked() {
    let (exporter, page) = printer(10);
    let (child, root) = child_and_root();
    exporter.print_batch(vec![root]);
    exporter.print_batch(vec![child]);
    let text = page.text();
    let later: Vec<_> = text.lines().filter(|line| line.contains("later")).collect();
    assert_eq!(later.len(), 1, "{text}");
    assert!(later[0].contains("1 span "), "{text}");
}

#[test]
fn the_oldest_trace_is_dropped_and_named_when_too_many_spans_wait() {
    let (exporter, page) = printer(1);
    let (child, _) = child_and_root();
    exporter.print_batch(vec![child.clone(), child]);
    assert_eq!(
        page.text(),
        format!("trace {INBOUND}  2 spans dropped: too many wait for their root to end\n")
    );
}

#[test]
fn the_header_of_a_trace_counts_its_spans_that_were_dropped_before() {
    let (exporter, page) = printer(1);
    let (child, root) = child_and_root();
    for _ in 0..2 {
        exporter.print_batch(vec![child.clone(), child.clone()]);
    }
    exporter.print_batch(vec![root.clone()]);
    let text = page.text();
    let header = text.lines().nth(2).unwrap();
    assert!(header.contains("  1 service  1 span (4 dropped)  "), "{text}");
    exporter.print_batch(vec![root]);
    assert!(!page.text().lines().last().unwrap().contains("dropped"), "{}", page.text());
}

#[test]
fn traces_are_remembered_in_bounded_number() {
    let (child, root) = child_and_root();
    for span in [child, root] {
        let (exporter, _) = printer(0);
        for trace in 1..600_u128 {
            let (span_id, flags) = (span.span_context.span_id(), TraceFlags::SAMPLED);
            let id = TraceId::from(trace);
            let span_context = SpanContext::new(id, span_id, flags, false, TraceState::NONE);
            exporter.print_batch(vec![SpanData { span_context, ..span.clone() }]);
        }
        assert_eq!(exporter.state.lock().unwrap().waiting.remembered(), 256);
    }
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Ends a child in one batch and its root in a later one, and returns the counts.
fn counted(console: &Console, most_spans: usize) -> Snapshot {
    counted_while(console, most_spans, false)
}

/// As [`counted`], with a root that may be open until after the shutdown.
fn counted_while(console: &Console, most_spans: usize, is_root_open: bool) -> Snapshot {
    let exporter = exporter(console, most_spans);
    let state = Arc::clone(&exporter.export);
    let options = PipelineOptions {
        batch: &BATCH,
        resource: &Resource::builder_empty().build(),
        hook: None,
        shutdown_timeout: Duration::from_secs(5),
    };
    let delay = Duration::from_secs(3600);
    let pipeline = Pipeline::start(SdkExporter(exporter), Arc::clone(&state), delay, options);
    let provider = Provider::builder().with_record_processor(pipeline.unwrap()).build();
    let tracer = provider.tracer("test");
    let root = Context::new().with_span(tracer.start("root"));
    drop(tracer.start_with_context("child", &root));
    provider.force_flush().unwrap();
    let open = is_root_open.then(|| root.clone());
    drop(root);
    provider.shutdown().unwrap();
    let counted = state.counts().snapshot();
    drop(open);
    counted
}

#[test]
fn spans_that_could_not_be_printed_have_failed_also_those_of_earlier_batches() {
    let counted = counted(&Console::new().writer(Closed), 10);
    assert_eq!((counted.offered(), counted.delivered, counted.failed), (2, 0, 2));
    assert_eq!(counted.last_error.as_deref(), Some("broken pipe"));
}

#[test]
fn spans_that_could_not_be_printed_at_shutdown_are_failed() {
    let counted = counted_while(&Console::new().writer(Closed), 10, true);
    assert_eq!((counted.offered(), counted.delivered, counted.failed), (1, 0, 1));
}

#[test]
fn spans_whose_json_could_not_be_printed_have_failed() {
    let counted = counted(&Console::new().json().writer(Closed), 10);
    assert_eq!((counted.offered(), counted.delivered, counted.failed), (2, 0, 2));
    assert_eq!(counted.last_error.as_deref(), Some("broken pipe"));
}

#[test]
fn spans_dropped_to_make_room_have_failed() {
    let counted = counted(&Console::new().writer(io::sink()), 0);
    assert_eq!((counted.offered(), counted.delivered, counted.failed), (2, 1, 1));
}

#[test]
fn spans_that_wait_for_their_root_are_printed_at_shutdown() {
    let (exporter, page) = printer(10);
    let (child, _) = child_and_root();
    exporter.print_batch(vec![child]);
    exporter.shutdown().unwrap();
    assert!(page.text().contains("query"));
}

#[test]
fn an_error_status_is_shown() {
    let (exporter, page) = printer(10);
    let (_, mut root) = child_and_root();
    root.status = Status::error("no stock");
    exporter.print_batch(vec![root]);
    let text = page.text();
    assert!(text.contains("✗ 200") && text.contains("no stock"), "{text}");
}

#[test]
fn attributes_are_shown_only_if_enabled() {
    for (shown, console) in [(false, Console::new()), (true, Console::new().attributes(true))] {
        let page = Page::default();
        let exporter = exporter(&console.writer(page.clone()), 10);
        exporter.print_batch(vec![child_and_root().1]);
        let text = page.text();
        assert_eq!(text.contains("http.response.status_code  200"), shown, "{text}");
    }
}

#[test]
fn json_is_one_line_for_each_span_when_it_ends() {
    let page = Page::default();
    let mut exporter = exporter(&Console::new().json().writer(page.clone()), 10);
    let name = KeyValue::new("service.name", "shop");
    exporter.set_resource(&Resource::builder_empty().with_attribute(name).build());
    let (child, root) = child_and_root();
    for span in [child, root] {
        exporter.print_batch(vec![span.clone()]);
        let text = page.text();
        let line: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(line["name"], *span.name);
        assert_eq!(line["resource"]["attributes"]["service.name"], "shop");
    }
    assert_eq!(page.text().lines().count(), 2);
}

#[test]
fn a_writer_gets_colours_only_if_enabled() {
    for (color, console) in [(false, Console::new()), (true, Console::new().color(true))] {
        let page = Page::default();
        let exporter = exporter(&console.writer(page.clone()), 10);
        exporter.print_batch(vec![child_and_root().1]);
        assert_eq!(page.text().contains('\u{1b}'), color);
    }
}
