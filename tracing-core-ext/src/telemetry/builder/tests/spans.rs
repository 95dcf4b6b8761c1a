//! Paths of ended spans: the hook before export, processors, and the counts of a shutdown.

use opentelemetry_sdk::trace::{Span as SdkSpan, SpanProcessor};

use super::*;

fn end(telemetry: &Telemetry, name: &'static str) {
    let mut span = telemetry.tracer_provider().tracer("test").start(name);
    span.set_attribute(KeyValue::new("user.email", "a@shop.example"));
}

#[test]
fn spans_are_changed_or_removed_before_every_exporter() {
    let second = InMemorySpanExporter::default();
    let builder = builder(&[]).service_name("shop").exporter(second.clone());
    let rig = rig(builder.before_export(|span| {
        span.attributes.clear();
        span.name != "health"
    }));
    for name in ["order", "health"] {
        end(&rig.telemetry, name);
    }
    let first = rig.exported();
    assert_eq!(first.len(), 1);
    assert_eq!((&*first[0].name, first[0].attributes.len()), ("order", 0));
    assert_eq!(second.get_finished_spans().unwrap(), first);
    rig.telemetry.shutdown().unwrap();
}

#[test]
fn a_span_for_which_the_hook_panics_is_not_exported_and_reported() {
    let rig = rig(builder(&[]).service_name("shop").before_export(|_| panic!("no rule")));
    end(&rig.telemetry, "order");
    assert!(rig.exported().is_empty());
    let lines = rig.lines.all();
    assert!(lines.len() == 1 && lines[0].contains("no rule"), "{lines:?}");
    let error = rig.telemetry.shutdown().unwrap_err();
    let loss = &error.losses()[0];
    assert_eq!((loss.ended(), loss.delivered(), loss.lost()), (1, 0, 1));
}

/// Processor whose shutdown blocks until the test drops the other end.
#[derive(Debug)]
struct EndOnly {
    ended: Arc<Mutex<Vec<SpanData>>>,
    release: Mutex<Receiver<()>>,
}

impl SpanProcessor for EndOnly {
    fn on_start(&self, _: &mut SdkSpan, _: &Context) {
        panic!("there is no span of the SDK");
    }

    fn on_end(&self, span: SpanData) {
        self.ended.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        let _ = self.release.lock().unwrap().recv();
        Ok(())
    }
}

#[test]
fn a_processor_receives_ended_spans_and_one_that_hangs_does_not_affect_exporters() {
    let (release, released) = channel();
    let ended = Arc::default();
    let processor = EndOnly { ended: Arc::clone(&ended), release: Mutex::new(released) };
    let builder = builder(&[]).service_name("shop").span_processor(processor);
    let rig = rig(builder.shutdown_timeout(Duration::from_secs(1)).before_export(|_| true));
    end(&rig.telemetry, "order");
    assert_eq!(ended.lock().unwrap()[0].attributes.len(), 1);
    rig.telemetry.shutdown().unwrap();
    drop(release);
}

#[test]
fn the_counts_of_a_shutdown_add_up() {
    let variables = &[("OTEL_BSP_MAX_QUEUE_SIZE", "4"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")];
    let builder = builder(variables).service_name("shop").log_writer(CapturedLines::default());
    let (telemetry, _dispatch, _release) = stuck(builder.before_export(|_| true));
    (0..20).for_each(|_| end(&telemetry, "health"));
    let error = telemetry.shutdown().unwrap_err();
    let text = error.to_string();
    let [loss] = error.losses() else { panic!("{text}") };
    assert_eq!((loss.ended(), loss.delivered(), loss.lost()), (21, 0, 21));
    assert!(
        text.ends_with("17 dropped because the queue was full or closed, 4 still waiting"),
        "{text}"
    );
}

#[test]
fn a_queue_limit_below_the_minimum_is_refused() {
    for bytes in [0, (1 << 20) - 1, usize::MAX] {
        let builder = builder(&[]).service_name("shop").max_queue_bytes(bytes);
        let error = builder.build().unwrap_err().to_string();
        let expected = "expected 1048576 to 1099511627775 bytes";
        assert_eq!(error, format!("max_queue_bytes()=\"{bytes}\": {expected}"));
    }
}

#[test]
fn memory_limits_a_queue() {
    let builder = builder(&[]).service_name("shop").max_queue_bytes(1 << 20);
    let (telemetry, _dispatch, _release) = stuck(builder.log_writer(CapturedLines::default()));
    for _ in 0..3 {
        let mut span = telemetry.tracer_provider().tracer("test").start("large");
        span.set_attribute(KeyValue::new("text", "x".repeat(400_000)));
    }
    let error = telemetry.shutdown().unwrap_err().to_string();
    assert!(
        error.ends_with("1 dropped because the queue was full or closed, 3 still waiting"),
        "{error}"
    );
}
