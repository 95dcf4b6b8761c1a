use std::{
    collections::VecDeque,
    fmt,
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use opentelemetry::TraceId;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};

use super::{
    delivery::Delivery,
    waterfall::{Style, Waterfall, WaterfallSpan},
};

/// Spans kept until the root of their trace has ended, all traces together.
const MOST_SPANS: usize = 8_192;
/// Traces remembered as printed, so that what comes later is told apart.
const MOST_PRINTED: usize = 256;
const TOO_MANY: &str = "too many wait for their root to end";

/// Prints a trace when its local root has ended.
pub(super) struct ConsoleExporter<W> {
    service: String,
    style: Style,
    delivery: Arc<Delivery>,
    state: Mutex<State<W>>,
}

struct State<W> {
    out: W,
    open: VecDeque<Pending>,
    printed: VecDeque<TraceId>,
    most_spans: usize,
    lost: Lost,
}

/// Spans that were taken and not printed.
#[derive(Default)]
struct Lost {
    spans: usize,
    reason: Option<String>,
}

/// What has been received of a trace and is not printed yet.
struct Pending {
    trace_id: TraceId,
    spans: Vec<WaterfallSpan>,
    root_ended: bool,
}

impl ConsoleExporter<io::Stdout> {
    pub(super) fn stdout(service: &str, no_color: bool, delivery: Arc<Delivery>) -> Self {
        let out = io::stdout();
        let color = !no_color && out.is_terminal();
        Self::new(service, out, Style::default().color(color), MOST_SPANS, delivery)
    }
}

impl<W: Write> ConsoleExporter<W> {
    fn new(
        service: &str,
        out: W,
        style: Style,
        most_spans: usize,
        delivery: Arc<Delivery>,
    ) -> Self {
        Self {
            service: service.to_owned(),
            style,
            delivery,
            state: Mutex::new(State {
                out,
                open: VecDeque::new(),
                printed: VecDeque::new(),
                most_spans,
                lost: Lost::default(),
            }),
        }
    }

    fn receive(&self, batch: Vec<SpanData>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for span in batch {
            state.add(WaterfallSpan::from_span_data(&self.service, span));
        }
        state.print_ended(self.style);
        state.make_room();
        self.tell_lost(&mut state);
    }

    fn print_rest(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(rest) = state.open.pop_front() {
            state.print(rest, self.style);
        }
        self.tell_lost(&mut state);
    }

    fn tell_lost(&self, state: &mut State<W>) {
        let lost = std::mem::take(&mut state.lost);
        if let Some(reason) = lost.reason {
            self.delivery.reject(lost.spans as u64, reason);
        }
    }
}

impl<W: Write> State<W> {
    fn add(&mut self, span: WaterfallSpan) {
        let trace_id = span.trace_id;
        let is_root = span.parent_span_id.is_none() || span.remote_parent;
        let known = self.open.iter_mut().find(|open| open.trace_id == trace_id);
        let Some(pending) = known else {
            let root_ended = is_root || self.printed.contains(&trace_id);
            return self.open.push_back(Pending { trace_id, spans: vec![span], root_ended });
        };
        pending.root_ended |= is_root;
        pending.spans.push(span);
    }

    fn print_ended(&mut self, style: Style) {
        while let Some(at) = self.open.iter().position(|open| open.root_ended) {
            if let Some(ended) = self.open.remove(at) {
                self.print(ended, style);
            }
        }
    }

    fn print(&mut self, pending: Pending, style: Style) {
        let later = self.printed.contains(&pending.trace_id);
        if !later {
            self.remember(pending.trace_id);
        }
        let spans = pending.spans.len();
        let waterfall = Waterfall::new(pending.spans).later(later);
        let printed = writeln!(self.out, "{}", waterfall.render(style));
        if let Err(error) = printed.and_then(|()| self.out.flush()) {
            self.lose(spans, error.to_string());
        }
    }

    fn lose(&mut self, spans: usize, reason: String) {
        self.lost.spans += spans;
        self.lost.reason = Some(reason);
    }

    fn remember(&mut self, trace_id: TraceId) {
        if self.printed.len() == MOST_PRINTED {
            self.printed.pop_front();
        }
        self.printed.push_back(trace_id);
    }

    fn make_room(&mut self) {
        let mut held: usize = self.open.iter().map(|open| open.spans.len()).sum();
        while held > self.most_spans {
            let Some(oldest) = self.open.pop_front() else {
                break;
            };
            let (id, spans) = (oldest.trace_id, oldest.spans.len());
            held -= spans;
            let _ = writeln!(self.out, "trace {id}  {spans} spans dropped: {TOO_MANY}");
            self.lose(spans, TOO_MANY.to_owned());
        }
    }
}

impl<W: Write + Send> SpanExporter for ConsoleExporter<W> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.receive(batch);
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.print_rest();
        Ok(())
    }
}

impl<W> fmt::Debug for ConsoleExporter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleExporter").field("service", &self.service).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        Context, KeyValue,
        trace::{
            SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceState, Tracer,
            TracerProvider,
        },
    };
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

    use super::*;
    use crate::telemetry::{config::Batch, delivery::CountingProcessor, tally::Tally};

    const INBOUND: TraceId = TraceId::from_bytes([7; 16]);

    const BATCH: Batch = Batch { queue: 64, size: 1, delay: None };

    fn delivery() -> Arc<Delivery> {
        Arc::new(Delivery::of_spans("standard output".to_owned(), &BATCH))
    }

    fn printer(most_spans: usize) -> ConsoleExporter<Vec<u8>> {
        ConsoleExporter::new("shop", Vec::new(), Style::default(), most_spans, delivery())
    }

    fn text(exporter: &ConsoleExporter<Vec<u8>>) -> String {
        String::from_utf8(exporter.state.lock().unwrap().out.clone()).unwrap()
    }

    /// A server span with a remote parent, and a child of it, as they end.
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
        let exporter = printer(10);
        let (child, root) = child_and_root();
        exporter.receive(vec![child]);
        assert_eq!(text(&exporter), "");
        exporter.receive(vec![root]);
        let text = text(&exporter);
        assert!(text.starts_with("trace 07070707"), "{text}");
        assert!(text.contains("1 service  2 spans"), "{text}");
        assert!(text.contains("shop  GET /stock  200"), "{text}");
        assert!(text.contains("shop  └ query"), "{text}");
    }

    #[test]
    fn what_ends_after_its_root_is_printed_at_once_and_marked() {
        let exporter = printer(10);
        let (child, root) = child_and_root();
        exporter.receive(vec![root]);
        exporter.receive(vec![child]);
        let text = text(&exporter);
        let later: Vec<_> = text.lines().filter(|line| line.contains("later")).collect();
        assert_eq!(later.len(), 1, "{text}");
        assert!(later[0].contains("1 span "), "{text}");
    }

    #[test]
    fn the_oldest_trace_is_dropped_and_named_when_too_many_spans_wait() {
        let exporter = printer(1);
        let (child, _) = child_and_root();
        exporter.receive(vec![child.clone(), child]);
        assert_eq!(
            text(&exporter),
            format!("trace {INBOUND}  2 spans dropped: too many wait for their root to end\n")
        );
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

    /// Ends a root whose child has ended in a batch before, and says what became of the spans.
    fn tally(out: impl Write + Send + 'static, most_spans: usize) -> Tally {
        let delivery = delivery();
        let kept = Arc::clone(&delivery);
        let exporter = ConsoleExporter::new("shop", out, Style::default(), most_spans, kept);
        let processor = CountingProcessor::new(
            exporter,
            &BATCH,
            Duration::from_secs(3600),
            Arc::clone(&delivery),
        );
        let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
        let tracer = provider.tracer("test");
        let root = Context::new().with_span(tracer.start("root"));
        drop(tracer.start_with_context("child", &root));
        provider.force_flush().unwrap();
        drop(root);
        provider.shutdown().unwrap();
        delivery.tally()
    }

    #[test]
    fn spans_that_could_not_be_printed_are_failed_also_those_of_earlier_batches() {
        let tally = tally(Closed, 10);
        assert_eq!((tally.ended, tally.delivered, tally.failed), (2, 0, 2));
        assert_eq!(tally.last_error.as_deref(), Some("broken pipe"));
    }

    #[test]
    fn spans_dropped_to_make_room_are_failed() {
        let tally = tally(io::sink(), 0);
        assert_eq!((tally.ended, tally.delivered, tally.failed), (2, 1, 1));
    }

    #[test]
    fn what_still_waits_for_its_root_is_printed_at_shutdown() {
        let exporter = printer(10);
        let (child, _) = child_and_root();
        exporter.receive(vec![child]);
        exporter.shutdown().unwrap();
        assert!(text(&exporter).contains("query"));
    }

    #[test]
    fn an_error_status_is_shown() {
        let exporter = printer(10);
        let (_, mut root) = child_and_root();
        root.status = Status::error("no stock");
        exporter.receive(vec![root]);
        let text = text(&exporter);
        assert!(text.contains("✗ 200") && text.contains("no stock"), "{text}");
    }
}
