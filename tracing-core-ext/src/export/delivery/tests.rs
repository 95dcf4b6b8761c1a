use std::{
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread,
};

use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_sdk::{
    error::OTelSdkError,
    trace::{SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample},
};
use tracing_subscriber::fmt;

use super::*;
use crate::telemetry::log_format::tests::CapturedLines;

const NEVER: Duration = Duration::from_secs(3600);

/// Answers each export as the test says, where `AlreadyShutdown` is a panic, and tells the test that one has begun.
#[derive(Debug)]
struct Scripted {
    answers: Mutex<Receiver<OTelSdkResult>>,
    began: Sender<usize>,
}

impl SpanExporter for Scripted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.began.send(batch.len()).unwrap();
        let answer = self.answers.lock().unwrap().recv().unwrap();
        assert!(!matches!(answer, Err(OTelSdkError::AlreadyShutdown)), "no answer");
        answer
    }
}

struct Rig {
    provider: SdkTracerProvider,
    delivery: Arc<Delivery>,
    answer: SyncSender<OTelSdkResult>,
    began: Receiver<usize>,
    lines: CapturedLines,
    _dispatch: Dispatch,
}

fn rig(queue: usize, sampler: impl ShouldSample + 'static) -> Rig {
    let batch = BatchConfig::new(queue, 1, Some(NEVER));
    let lines = CapturedLines::default();
    let dispatch = Dispatch::new(fmt().with_ansi(false).with_writer(lines.clone()).finish());
    let delivery = Arc::new(Delivery::of_spans("http://nowhere".to_owned(), &batch));
    delivery.log_to(&dispatch);
    let (answer, answers) = sync_channel(64);
    let (begin, began) = channel();
    let exporter = Scripted { answers: Mutex::new(answers), began: begin };
    let processor = CountingProcessor::new(exporter, &batch, NEVER, Arc::clone(&delivery));
    Rig {
        provider: SdkTracerProvider::builder()
            .with_sampler(Box::new(sampler) as Box<dyn ShouldSample>)
            .with_span_processor(processor)
            .build(),
        delivery,
        answer,
        began,
        lines,
        _dispatch: dispatch,
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
}

fn refused() -> OTelSdkResult {
    Err(OTelSdkError::InternalFailure("refused".to_owned()))
}

#[derive(Clone, Debug)]
struct RecordOnly;

impl ShouldSample for RecordOnly {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: opentelemetry::TraceId,
        _: &str,
        _: &opentelemetry::trace::SpanKind,
        _: &[opentelemetry::KeyValue],
        _: &[opentelemetry::trace::Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: SamplingDecision::RecordOnly,
            attributes: Vec::new(),
            trace_state: Default::default(),
        }
    }
}

#[test]
fn an_outage_is_one_line_when_it_begins_and_one_with_the_loss_when_it_ends() {
    let rig = rig(16, opentelemetry_sdk::trace::Sampler::AlwaysOn);
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
fn every_ended_span_is_delivered_or_counted_as_lost() {
    let rig = rig(16, opentelemetry_sdk::trace::Sampler::AlwaysOn);
    rig.export(Ok(()));
    rig.export(refused());
    let tally = rig.delivery.tally();
    assert_eq!((tally.ended, tally.delivered, tally.failed), (2, 1, 1));
    assert_eq!((tally.lost(), tally.waiting()), (1, 0));
}

#[test]
fn an_exporter_that_panics_has_failed_and_is_asked_again() {
    let rig = rig(16, opentelemetry_sdk::trace::Sampler::AlwaysOn);
    rig.export(Err(OTelSdkError::AlreadyShutdown));
    let tally = rig.delivery.tally();
    assert_eq!((tally.ended, tally.failed, tally.delivered), (1, 1, 0));
    assert_eq!(tally.last_error.as_deref(), Some("the exporter panicked: no answer"));
    rig.export(Ok(()));
    assert_eq!(rig.delivery.tally().delivered, 1);
}

#[test]
fn a_full_queue_drops_spans_and_counts_them() {
    let rig = rig(4, opentelemetry_sdk::trace::Sampler::AlwaysOn);
    rig.end_spans(1);
    assert_eq!(rig.began.recv(), Ok(1), "the exporter is now stuck");
    rig.end_spans(10);
    let tally = rig.delivery.tally();
    assert_eq!((tally.ended, tally.dropped, tally.waiting()), (11, 7, 4));
    (0..4).for_each(|_| rig.answer.send(Ok(())).unwrap());
    rig.provider.force_flush().unwrap();
    let tally = rig.delivery.tally();
    assert_eq!((tally.delivered, tally.lost()), (4, 7));
    let lines = rig.lines.all();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("queue is full"), "{lines:?}");
    assert!(lines[1].contains("lost=7"), "{lines:?}");
}

#[test]
fn spans_recorded_but_not_sampled_are_not_exported() {
    let rig = rig(4, RecordOnly);
    rig.end_spans(3);
    rig.provider.force_flush().unwrap();
    assert_eq!(rig.delivery.tally(), Tally::default());
    assert!(rig.began.try_recv().is_err());
}

#[test]
fn what_is_told_of_rejected_spans_never_falls_and_adds_up_at_any_time() {
    let delivery = Delivery::of_spans("nowhere".to_owned(), &BatchConfig::new(8, 8, None));
    thread::scope(|scope| {
        let rejecting = scope.spawn(|| {
            for _ in 0..10_000 {
                assert!(delivery.accept() && delivery.accept());
                delivery.reject(1, "not wanted".to_owned());
                delivery.delivered(2);
            }
        });
        let mut arrived = 0;
        while !rejecting.is_finished() {
            let tally = delivery.tally();
            assert!(tally.rejected <= tally.failed, "{tally:?}");
            assert!(tally.arrived >= arrived, "{tally:?}");
            arrived = tally.arrived;
        }
    });
    let tally = delivery.tally();
    assert_eq!((tally.arrived, tally.rejected, tally.failed), (10_000, 10_000, 10_000));
}

#[test]
fn an_exporter_that_never_comes_back_is_told_of_by_the_first_drop_and_not_again() {
    let rig = rig(1, opentelemetry_sdk::trace::Sampler::AlwaysOn);
    rig.end_spans(1);
    assert_eq!(rig.began.recv(), Ok(1), "the exporter is now stuck");
    rig.end_spans(3);
    let lines = rig.lines.all();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("queue is full"), "{lines:?}");
    rig.answer.send(Ok(())).unwrap();
}

#[cfg(feature = "otlp")]
#[test]
fn an_export_of_metrics_that_failed_is_a_loss_in_the_end_unless_a_later_one_told_it_all() {
    for (temporality, is_lost) in [(Temporality::Cumulative, false), (Temporality::Delta, true)] {
        let delivery = Delivery::of_metrics("nowhere".to_owned(), temporality);
        for answer in [Err("refused".to_owned()), Ok(())] {
            assert!(delivery.accept());
            match answer {
                Ok(()) => delivery.delivered(1),
                Err(error) => delivery.failed(1, error),
            }
        }
        assert_eq!(delivery.loss().is_some(), is_lost, "{temporality:?}");
    }
}
