use std::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread,
};

use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{Link, SpanKind, Tracer, TracerProvider as _},
};
use opentelemetry_sdk::trace::{
    SamplingDecision, SamplingResult, ShouldSample, SpanData, SpanExporter,
};
use tracing::Dispatch;
use tracing_subscriber::fmt::{MakeWriter, fmt};

use super::{exporter::SdkExporter, *};
use crate::{
    export::delivery::Snapshot,
    telemetry::log_format::tests::CapturedLines,
    trace::{TracerProvider, TracerProviderBuilder},
};

mod faults;
mod hooks;

const NEVER: Duration = Duration::from_secs(3600);

/// Exporter that sends the names of its spans to the test, and returns the results that the test
/// sends. `AlreadyShutdown` makes it panic.
#[derive(Debug)]
struct Scripted {
    answers: Mutex<Receiver<OTelSdkResult>>,
    began: Sender<Vec<String>>,
}

impl SpanExporter for Scripted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.began.send(batch.iter().map(|span| span.name.to_string()).collect()).unwrap();
        let answer = self.answers.lock().unwrap().recv().unwrap();
        assert!(!matches!(answer, Err(OTelSdkError::AlreadyShutdown)), "no answer");
        answer
    }
}

struct Rig {
    provider: TracerProvider,
    pipeline: Pipeline,
    state: Arc<ExportState>,
    answer: SyncSender<OTelSdkResult>,
    began: Receiver<Vec<String>>,
    lines: CapturedLines,
    _dispatch: Dispatch,
}

struct Setup {
    batch: BatchConfig,
    provider: TracerProviderBuilder,
    hook: Option<SpanHook>,
}

fn setup(queue: usize) -> Setup {
    let batch =
        BatchConfig { quiet_period: Duration::ZERO, ..BatchConfig::new(queue, 1, Some(NEVER)) };
    Setup { batch, provider: TracerProvider::builder(), hook: None }
}

impl Setup {
    fn build(self) -> Rig {
        let lines = CapturedLines::default();
        self.log_to(lines.clone(), lines)
    }

    fn log_to<W>(self, writer: W, lines: CapturedLines) -> Rig
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let dispatch = Dispatch::new(fmt().with_ansi(false).with_writer(writer).finish());
        let state = ExportState::for_spans("http://nowhere".to_owned(), "test", &self.batch);
        let state = Arc::new(state);
        state.log_to(&dispatch);
        let (answer, answers) = sync_channel(64);
        let (begin, began) = channel();
        let exporter = SdkExporter(Scripted { answers: Mutex::new(answers), began: begin });
        let options = PipelineOptions {
            batch: &self.batch,
            resource: &Resource::builder_empty().build(),
            hook: self.hook.as_ref(),
            shutdown_timeout: NEVER,
        };
        let pipeline = Pipeline::start(exporter, Arc::clone(&state), NEVER, options).unwrap();
        let provider = self.provider.with_record_processor(pipeline.clone()).build();
        Rig { provider, pipeline, state, answer, began, lines, _dispatch: dispatch }
    }
}

impl Rig {
    fn end_spans(&self, count: usize) {
        let tracer = self.provider.tracer("test");
        (0..count).for_each(|_| drop(tracer.start("span")));
    }

    fn export(&self, answer: OTelSdkResult) {
        self.answer.send(answer).unwrap();
        self.end_spans(1);
        self.provider.force_flush().unwrap();
    }

    fn counted(&self) -> Snapshot {
        self.state.counts().snapshot()
    }
}

#[derive(Clone, Debug)]
struct RecordOnly;

impl ShouldSample for RecordOnly {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: SamplingDecision::RecordOnly,
            attributes: Vec::new(),
            trace_state: Default::default(),
        }
    }
}

fn refused() -> OTelSdkResult {
    Err(OTelSdkError::InternalFailure("refused".to_owned()))
}

#[test]
fn a_loss_is_one_line_when_it_begins_and_one_with_its_size_when_it_ends() {
    let rig = setup(16).build();
    rig.export(Ok(()));
    rig.export(refused());
    rig.export(refused());
    rig.export(refused());
    rig.export(Ok(()));
    rig.export(Ok(()));
    let lines = rig.lines.all();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("http://nowhere"));
    assert!(lines[0].contains("refused"), "{lines:?}");
    assert!(lines[1].contains("delivered again") && lines[1].contains("lost=3"));
}

#[test]
fn losses_that_alternate_with_deliveries_are_two_lines() {
    let mut setup = setup(16);
    setup.batch.quiet_period = Duration::from_secs(1);
    let rig = setup.build();
    for _ in 0..20 {
        rig.export(refused());
        rig.export(Ok(()));
    }
    assert_eq!(rig.lines.all().len(), 1);
    while rig.lines.all().len() == 1 {
        thread::yield_now();
    }
    let lines = rig.lines.all();
    assert!(lines[1].contains("delivered again") && lines[1].contains("lost=20"), "{lines:?}");
}

#[test]
fn every_span_is_delivered_lost_or_waiting() {
    let rig = setup(16).build();
    rig.export(Ok(()));
    rig.export(refused());
    let counted = rig.counted();
    assert_eq!((counted.offered(), counted.delivered, counted.failed), (2, 1, 1));
    assert_eq!((counted.lost(), counted.waiting), (1, 0));
}

#[test]
fn a_full_queue_drops_spans_and_counts_them() {
    let rig = setup(4).build();
    rig.end_spans(1);
    assert_eq!(rig.began.recv().unwrap().len(), 1, "the exporter does not return");
    rig.end_spans(10);
    let counted = rig.counted();
    assert_eq!((counted.offered(), counted.dropped, counted.waiting), (11, 7, 4));
    (0..4).for_each(|_| rig.answer.send(Ok(())).unwrap());
    rig.provider.force_flush().unwrap();
    let counted = rig.counted();
    assert_eq!((counted.delivered, counted.lost()), (4, 7));
    let lines = rig.lines.all();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("queue is full"), "{lines:?}");
    assert!(lines[1].contains("lost=7"), "{lines:?}");
}

#[test]
fn a_queue_is_limited_by_memory_as_well() {
    let mut setup = setup(1000);
    setup.batch.max_bytes = 10_000;
    let rig = setup.build();
    rig.end_spans(1000);
    let counted = rig.counted();
    assert!((1..100).contains(&counted.waiting) && counted.waiting_bytes <= 10_000, "{counted:?}");
    assert_eq!(counted.dropped, 1000 - counted.waiting);
    (0..counted.waiting).for_each(|_| rig.answer.send(Ok(())).unwrap());
}

#[test]
fn spans_recorded_but_not_sampled_are_not_exported() {
    let mut setup = setup(4);
    setup.provider = setup.provider.with_sampler(RecordOnly);
    let rig = setup.build();
    rig.end_spans(3);
    rig.provider.force_flush().unwrap();
    assert_eq!(rig.counted(), Snapshot::default());
    assert!(rig.began.try_recv().is_err());
}

#[test]
fn a_loss_begins_with_the_first_drop_while_the_exporter_does_not_return() {
    let rig = setup(1).build();
    rig.end_spans(1);
    assert_eq!(rig.began.recv().unwrap().len(), 1);
    rig.end_spans(3);
    let lines = rig.lines.all();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("queue is full"), "{lines:?}");
    rig.answer.send(Ok(())).unwrap();
}

#[test]
fn a_shutdown_ends_at_its_deadline_and_later_spans_are_not_recorded() {
    let rig = setup(4).build();
    rig.end_spans(1);
    rig.began.recv().unwrap();
    let zero = Duration::ZERO;
    let result = rig.provider.shutdown_with_timeout(zero);
    assert!(matches!(result, Err(OTelSdkError::Timeout(_))), "{result:?}");
    rig.end_spans(9);
    let counted = rig.counted();
    assert_eq!((counted.offered(), counted.waiting), (1, 1));
    rig.answer.send(Ok(())).unwrap();
}

#[test]
fn each_pipeline_gets_all_spans_and_a_blocked_one_does_not_affect_the_others() {
    let blocked = setup(2).build();
    let (answer, answers) = sync_channel(64);
    let (begin, began) = channel();
    let exporter = SdkExporter(Scripted { answers: Mutex::new(answers), began: begin });
    let batch = BatchConfig::new(64, 1, Some(NEVER));
    let state = Arc::new(ExportState::for_spans("other".to_owned(), "test", &batch));
    let resource = &Resource::builder_empty().build();
    let options = PipelineOptions { batch: &batch, resource, hook: None, shutdown_timeout: NEVER };
    let other = Pipeline::start(exporter, Arc::clone(&state), NEVER, options).unwrap();
    let provider = TracerProvider::builder()
        .with_record_processor(blocked.pipeline.clone())
        .with_record_processor(other)
        .build();
    (0..8).for_each(|_| answer.send(Ok(())).unwrap());
    for number in 0..8 {
        let mut span = provider.tracer("test").start(format!("span {number}"));
        opentelemetry::trace::Span::set_attribute(&mut span, KeyValue::new("number", number));
    }
    for number in 0..8 {
        assert_eq!(began.recv().unwrap(), [format!("span {number}")]);
    }
    assert_eq!(blocked.counted().dropped, 6);
    (0..2).for_each(|_| blocked.answer.send(Ok(())).unwrap());
    provider.shutdown().unwrap();
    assert_eq!(state.counts().snapshot().delivered, 8);
}
