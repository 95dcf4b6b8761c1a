//! Metrics of the pipelines: semantic conventions for SDK metrics.
//!
//! <https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/>
//!
//! A span counts as processed when its export has ended or when it was dropped. A span that was
//! accepted and lost later counts as exported and as failed, because no counter may decrease.

use std::sync::Arc;

use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, Meter, MeterProvider},
};

use super::{counts::Snapshot, loss::Signal, state::ExportState};
use crate::{base::contained_panics, trace::HeldCounts};

const ERROR_TYPE: &str = "error.type";

/// Words of a signal in names, units and descriptions of its instruments.
#[derive(Clone, Copy)]
struct Words {
    name: &'static str,
    unit: &'static str,
    items: &'static str,
    processor: &'static str,
}

const SPANS: Words =
    Words { name: "span", unit: "{span}", items: "spans", processor: "batching_span_processor" };

const LOGS: Words = Words {
    name: "log",
    unit: "{log_record}",
    items: "log records",
    processor: "batching_log_processor",
};

/// Registers instruments that observe these pipelines, and the panics that were contained.
pub(crate) fn observe(
    provider: &impl MeterProvider,
    states: impl Iterator<Item = Arc<ExportState>>,
) {
    let meter = provider.meter(env!("CARGO_PKG_NAME"));
    observe_panics(&meter);
    let (logs, spans) = states.partition(|state| state.signal() == Signal::Logs);
    observe_signal(&meter, SPANS, spans);
    observe_signal(&meter, LOGS, logs);
}

fn observe_signal(meter: &Meter, words: Words, states: Vec<Arc<ExportState>>) {
    if states.is_empty() {
        return;
    }
    let observed = states.into_iter().enumerate();
    let observed = observed.map(|(at, state)| Observed::new(words, at, state)).collect();
    observe_processors(meter, words, &observed);
    observe_exporters(meter, words, &observed);
}

/// Registers instruments that observe the spans that wait for a decision about their trace. They have no values until a
/// span waits.
pub(crate) fn observe_held(
    provider: &impl MeterProvider,
    counts: impl Fn() -> HeldCounts + Send + Sync + 'static,
) {
    let meter = provider.meter(env!("CARGO_PKG_NAME"));
    let counts = Arc::new(counts);
    let waiting = Arc::clone(&counts);
    meter
        .u64_observable_counter("tracing_core_ext.held_spans")
        .with_unit("{span}")
        .with_description(
            "The number of spans that waited for the end of their request, by what became of them.",
        )
        .with_callback(move |observer| {
            let HeldCounts { kept, discarded, overflowed, expired, .. } = counts();
            for (outcome, count) in [
                ("kept", kept),
                ("discarded", discarded),
                ("overflowed", overflowed),
                ("expired", expired),
            ] {
                if count > 0 {
                    observer.observe(count, &[KeyValue::new("tracing_core_ext.outcome", outcome)]);
                }
            }
        })
        .build();
    meter
        .i64_observable_up_down_counter("tracing_core_ext.held_spans.size")
        .with_unit("By")
        .with_description("The memory of the spans that wait for the end of their request.")
        .with_callback(move |observer| {
            let counts = waiting();
            if counts != HeldCounts::default() {
                observer.observe(signed(counts.waiting_bytes as u64), &[]);
            }
        })
        .build();
}

fn observe_panics(meter: &Meter) {
    meter
        .u64_observable_counter("tracing_core_ext.contained_panics")
        .with_unit("{panic}")
        .with_description("The number of panics in code of users that were contained.")
        .with_callback(|observer| {
            for (what, count) in contained_panics() {
                observer.observe(count, &[KeyValue::new("tracing_core_ext.callback", what)]);
            }
        })
        .build();
}

fn observe_processors(meter: &Meter, words: Words, pipelines: &Arc<[Observed]>) {
    let Words { name, unit, items, .. } = words;
    meter
        .u64_observable_counter(format!("otel.sdk.processor.{name}.processed"))
        .with_unit(unit)
        .with_description(format!(
            "The number of {items} for which the processing has finished, either successful or failed."
        ))
        .with_callback(each(pipelines, |pipeline, observer| {
            let counted = pipeline.counted();
            observer.observe(counted.delivered_total + counted.failed + counted.removed, &pipeline.processor);
            observer.observe(counted.dropped, &pipeline.processor_error("queue_full"));
        }))
        .build();
    meter
        .i64_observable_up_down_counter(format!("otel.sdk.processor.{name}.queue.size"))
        .with_unit(unit)
        .with_description(format!(
            "The number of {items} in the queue, those being exported included."
        ))
        .with_callback(each(pipelines, |pipeline, observer| {
            observer.observe(signed(pipeline.counted().waiting), &pipeline.processor);
        }))
        .build();
    meter
        .i64_observable_up_down_counter(format!("otel.sdk.processor.{name}.queue.capacity"))
        .with_unit(unit)
        .with_description(format!("The maximum number of {items} the queue can hold."))
        .with_callback(each(pipelines, |pipeline, observer| {
            observer.observe(signed(pipeline.state.counts().capacity()), &pipeline.processor);
        }))
        .build();
}

fn observe_exporters(meter: &Meter, words: Words, pipelines: &Arc<[Observed]>) {
    let Words { name, unit, items, .. } = words;
    meter
        .u64_observable_counter(format!("otel.sdk.exporter.{name}.exported"))
        .with_unit(unit)
        .with_description(format!(
            "The number of {items} for which the export has finished, either successful or failed."
        ))
        .with_callback(each(pipelines, |pipeline, observer| {
            let counted = pipeline.counted();
            observer.observe(counted.delivered_total, &pipeline.exporter);
            observer.observe(counted.rejected, &pipeline.exporter_error("rejected"));
            let failed = counted.failed.saturating_sub(counted.rejected);
            observer.observe(failed, &pipeline.exporter_error("failed"));
        }))
        .build();
}

type Callback<N> = Box<dyn Fn(&dyn AsyncInstrument<N>) + Send + Sync>;

fn each<N: 'static>(
    pipelines: &Arc<[Observed]>,
    observe: fn(&Observed, &dyn AsyncInstrument<N>),
) -> Callback<N> {
    let pipelines = Arc::clone(pipelines);
    Box::new(move |observer| pipelines.iter().for_each(|pipeline| observe(pipeline, observer)))
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Labels of a pipeline and of its parts.
struct Observed {
    state: Arc<ExportState>,
    processor: [KeyValue; 2],
    exporter: [KeyValue; 2],
}

impl Observed {
    fn new(words: Words, at: usize, state: Arc<ExportState>) -> Self {
        let exporter = component(state.exporter_type(), at);
        Self { state, processor: component(words.processor, at), exporter }
    }

    fn counted(&self) -> Snapshot {
        self.state.counts().snapshot()
    }

    fn processor_error(&self, error: &'static str) -> [KeyValue; 3] {
        with_error(&self.processor, error)
    }

    fn exporter_error(&self, error: &'static str) -> [KeyValue; 3] {
        with_error(&self.exporter, error)
    }
}

fn component(kind: &'static str, at: usize) -> [KeyValue; 2] {
    [
        KeyValue::new("otel.component.name", format!("{kind}/{at}")),
        KeyValue::new("otel.component.type", kind),
    ]
}

fn with_error([name, kind]: &[KeyValue; 2], error: &'static str) -> [KeyValue; 3] {
    [name.clone(), kind.clone(), KeyValue::new(ERROR_TYPE, error)]
}
