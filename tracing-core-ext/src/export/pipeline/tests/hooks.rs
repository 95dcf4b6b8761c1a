//! The function of `TelemetryBuilder::before_export`.

use opentelemetry::trace::Span as _;

use super::*;

fn with_hook(hook: impl Fn(&mut SpanData) -> bool + Send + Sync + 'static) -> Rig {
    let mut setup = setup(16);
    setup.batch.size = 16;
    setup.hook = Some(Arc::new(hook));
    setup.build()
}

impl Rig {
    /// Exports spans with these names in one batch, and returns the names that the exporter has
    /// received.
    fn export_named(&self, names: &[&'static str], answer: OTelSdkResult) -> Option<Vec<String>> {
        let tracer = self.provider.tracer("test");
        for name in names {
            let mut span = tracer.start(*name);
            span.set_attribute(KeyValue::new("user.email", "a@shop.example"));
        }
        self.answer.send(answer).unwrap();
        self.provider.force_flush().unwrap();
        self.began.try_recv().ok()
    }
}

#[test]
fn a_hook_reads_and_changes_each_span() {
    let rig = with_hook(|span| {
        let [email] = &span.attributes[..] else { panic!("{span:?}") };
        span.name = format!("{} of {}", span.name, email.value).into();
        true
    });
    let exported = rig.export_named(&["order", "bill"], Ok(())).unwrap();
    assert_eq!(exported, ["order of a@shop.example", "bill of a@shop.example"]);
    assert_eq!(rig.counted().delivered, 2);
}

#[test]
fn a_span_that_the_hook_removes_is_counted_and_not_lost() {
    let rig = with_hook(|span| span.name != "health");
    assert_eq!(rig.export_named(&["order", "health", "bill"], Ok(())).unwrap(), ["order", "bill"]);
    let counted = rig.counted();
    assert_eq!((counted.offered(), counted.delivered, counted.removed), (3, 2, 1));
    assert_eq!(counted.lost(), 0);
    assert_eq!(rig.lines.all(), [""; 0]);
    assert_eq!(rig.export_named(&["health"], Ok(())), None, "no empty export");
    assert_eq!((rig.counted().removed, rig.counted().waiting), (2, 0));
}

#[test]
fn a_span_for_which_the_hook_panics_is_lost_and_not_exported() {
    let rig = with_hook(|span| {
        assert_ne!(span.name, "secret", "no rule");
        true
    });
    assert_eq!(rig.export_named(&["order", "secret"], Ok(())).unwrap(), ["order"]);
    let counted = rig.counted();
    assert_eq!((counted.offered(), counted.delivered, counted.failed), (2, 1, 1));
    let lines = rig.lines.all();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("before_export() panicked") && lines[0].contains("no rule"));
}

#[test]
fn a_failed_export_loses_the_spans_that_the_hook_has_kept() {
    let rig = with_hook(|span| span.name != "health");
    rig.export_named(&["order", "health"], refused()).unwrap();
    let counted = rig.counted();
    assert_eq!((counted.offered(), counted.failed, counted.removed), (2, 1, 1));
    assert_eq!(counted.last_error.as_deref(), Some("refused"));
}
