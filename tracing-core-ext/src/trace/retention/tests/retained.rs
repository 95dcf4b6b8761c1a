//! Which traces are kept.

use super::*;
use crate::trace::SamplingStatus;

#[test]
fn a_trace_without_a_failure_is_discarded_and_has_no_sampled_flag() {
    let (provider, tracer, exported) = retaining(Retention::new());
    let root = start(&tracer, "root", &Context::new());
    let child = start(&tracer, "child", &root);
    for cx in [&root, &child] {
        assert!(cx.span().is_recording());
        assert!(!cx.span().span_context().is_sampled());
        assert_eq!(provider.sampling_status(cx.span().span_context()), SamplingStatus::Undecided);
    }
    end(&child);
    end(&root);
    assert_eq!(exported.names(), [""; 0]);
    assert_eq!(provider.sampling_status(root.span().span_context()), SamplingStatus::NotSampled);
    let counts = provider.held_counts()();
    assert_eq!((counts.discarded, counts.kept, counts.waiting_bytes), (2, 0, 0));
}

#[test]
fn a_trace_whose_root_failed_is_kept_with_its_children() {
    let (provider, tracer, exported) = retaining(Retention::new());
    let caller = caller(7, TraceFlags::NOT_SAMPLED);
    let root = start(&tracer, "root", &caller);
    let child = start(&tracer, "child", &root);
    let grandchild = start(&tracer, "grandchild", &child);
    end(&grandchild);
    end(&child);
    assert_eq!(exported.names(), [""; 0]);
    fail(&root);
    let spans = exported.take();
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["grandchild", "child", "root"]);
    for span in &spans {
        assert!(span.span_context.is_sampled());
        assert_eq!(span.span_context.trace_id(), TraceId::from(7));
        // The share of such traces is not known.
        assert_eq!(span.span_context.trace_state().header(), "ot=k:1");
    }
    assert_eq!(provider.held_counts()().kept, 3);
}

#[test]
fn a_failed_child_keeps_the_trace_at_once() {
    let (provider, tracer, exported) = retaining(Retention::new());
    let root = start(&tracer, "root", &Context::new());
    let [one, two, three] = ["one", "two", "three"].map(|name| start(&tracer, name, &root));
    end(&one);
    assert_eq!(exported.names(), [""; 0]);
    fail(&two);
    assert_eq!(exported.names(), ["one", "two"]);
    assert_eq!(provider.sampling_status(root.span().span_context()), SamplingStatus::Sampled);
    end(&three);
    let late = start(&tracer, "late", &root);
    end(&root);
    end(&late);
    assert_eq!(exported.names(), ["three", "root", "late"]);
}

#[test]
fn failures_can_be_excluded() {
    let (_provider, tracer, exported) = retaining(Retention::new().failed(false));
    let root = start(&tracer, "root", &Context::new());
    fail(&start(&tracer, "child", &root));
    fail(&root);
    assert_eq!(exported.names(), [""; 0]);
}

fn end_after(tracer: &Tracer, path: &'static str, duration: Duration) {
    let started = SystemTime::UNIX_EPOCH;
    let builder = SpanBuilder::from_name(path)
        .with_kind(SpanKind::Server)
        .with_start_time(started)
        .with_attributes([KeyValue::new("url.path", path)]);
    let mut root = tracer.build_with_context(builder, &Context::new());
    root.end_with_timestamp(started + duration);
}

#[test]
fn a_slow_trace_is_kept_by_the_first_threshold_that_matches() {
    let retention = Retention::new()
        .slower_than_for(SpanMatch::new().path("/reports/*"), 10 * SECOND)
        .slower_than_for(SpanMatch::new().path("/reports/daily"), SECOND)
        .slower_than(2 * SECOND);
    let (_provider, tracer, exported) = retaining(retention);
    let nanosecond = Duration::from_nanos(1);
    for (path, duration, is_kept) in [
        ("/", 2 * SECOND, false),
        ("/", 2 * SECOND + nanosecond, true),
        ("/reports/daily", 10 * SECOND, false),
        ("/reports/daily", 10 * SECOND + nanosecond, true),
    ] {
        end_after(&tracer, path, duration);
        assert_eq!(exported.names().len(), usize::from(is_kept), "{path} {duration:?}");
    }
}

#[test]
fn a_trace_is_kept_by_the_attributes_of_its_root_at_the_end() {
    let conditions = SpanMatch::new().attribute("http.response.status_code", "4*");
    let (_provider, tracer, exported) = retaining(Retention::new().matching(conditions));
    for (status, is_kept) in [(429, true), (200, false)] {
        let root = start(&tracer, "root", &Context::new());
        root.span().set_attribute(KeyValue::new("http.response.status_code", status));
        end(&root);
        assert_eq!(exported.names().len(), usize::from(is_kept));
    }
}

#[test]
fn a_trace_that_the_head_samples_does_not_wait() {
    let head = Sampler::parent_based(Sampler::always_off());
    let (provider, exported) = provider(Sampler::retain(head, Retention::new()).unwrap());
    let tracer = provider.tracer("test");
    let root = start(&tracer, "root", &caller(7, TraceFlags::SAMPLED));
    assert!(root.span().span_context().is_sampled());
    assert_eq!(provider.sampling_status(root.span().span_context()), SamplingStatus::Sampled);
    let child = start(&tracer, "child", &root);
    end(&child);
    assert_eq!(exported.names(), ["child"]);
    end(&root);
    let root = &exported.take()[0];
    assert_eq!(root.span_context.trace_state().header(), "ot=th:8;k:1");
    assert_eq!(provider.held_counts()(), Default::default());
}

#[test]
fn two_requests_of_one_trace_are_one_part() {
    let (provider, tracer, exported) = retaining(Retention::new());
    let caller = caller(7, TraceFlags::NOT_SAMPLED);
    let [one, two] = ["one", "two"].map(|name| start(&tracer, name, &caller));
    end(&one);
    assert_eq!(provider.sampling_status(one.span().span_context()), SamplingStatus::Undecided);
    fail(&two);
    assert_eq!(exported.names(), ["one", "two"]);

    let [one, two] = ["one", "two"].map(|name| start(&tracer, name, &caller));
    end(&one);
    end(&two);
    assert_eq!(exported.names(), [""; 0]);
    let counts = provider.held_counts()();
    assert_eq!((counts.kept, counts.discarded, counts.waiting_bytes), (2, 2, 0));
}

#[test]
fn children_are_recorded_although_the_head_would_drop_them() {
    for head in [
        Sampler::always_off(),
        Sampler::trace_id_ratio(1e-9),
        Sampler::probability(1e-9).unwrap(),
        Sampler::composite(crate::trace::ComposableSampler::always_off()),
    ] {
        let (provider, exported) = provider(Sampler::retain(head, Retention::new()).unwrap());
        let tracer = provider.tracer("test");
        let root = start(&tracer, "root", &caller(0x4000_0000_0000_0007, TraceFlags::NOT_SAMPLED));
        end(&start(&tracer, "child", &root));
        fail(&root);
        let spans = exported.take();
        assert_eq!(spans.len(), 2, "{:?}", provider.sampler());
        assert!(spans.iter().all(|it| it.span_context.trace_state().header() == "ot=k:1"));
    }
}

#[test]
fn a_custom_head_sampler_is_retained_too() {
    #[derive(Clone, Debug)]
    struct Never;

    impl opentelemetry_sdk::trace::ShouldSample for Never {
        fn should_sample(
            &self,
            _: Option<&Context>,
            _: TraceId,
            _: &str,
            _: &SpanKind,
            _: &[KeyValue],
            _: &[opentelemetry::trace::Link],
        ) -> opentelemetry_sdk::trace::SamplingResult {
            opentelemetry_sdk::trace::SamplingResult {
                decision: opentelemetry_sdk::trace::SamplingDecision::Drop,
                attributes: Vec::new(),
                trace_state: Default::default(),
            }
        }
    }

    let head = Sampler::custom(Never);
    let (provider, exported) = provider(Sampler::retain(head, Retention::new()).unwrap());
    let tracer = provider.tracer("test");
    let root = start(&tracer, "root", &Context::new());
    assert!(root.span().is_recording());
    fail(&root);
    assert_eq!(exported.names(), ["root"]);
    end(&start(&tracer, "root", &Context::new()));
    assert_eq!(exported.names(), [""; 0]);
}

#[test]
fn a_child_below_a_dropped_parent_does_not_wait() {
    let (_provider, tracer, exported) = retaining(Retention::new());
    let local =
        SpanContext::new(7.into(), 9.into(), TraceFlags::NOT_SAMPLED, false, Default::default());
    let parent = Context::new().with_remote_span_context(local);
    let child = start(&tracer, "child", &parent);
    assert!(!child.span().is_recording());
    fail(&child);
    assert_eq!(exported.names(), [""; 0]);
}

#[test]
fn a_rule_drops_children_of_a_waiting_trace() {
    let ping = SpanMatch::new().kind(SpanKind::Client);
    let rules = crate::trace::SamplingRules::new()
        .rule(ping, Sampler::always_off())
        .fallback(Sampler::parent_based(Sampler::always_off()));
    let (provider, exported) =
        provider(Sampler::retain(rules.build().unwrap(), Retention::new()).unwrap());
    let tracer = provider.tracer("test");
    let root = start(&tracer, "root", &Context::new());
    let builder = SpanBuilder::from_name("ping").with_kind(SpanKind::Client);
    assert!(!tracer.build_with_context(builder, &root).is_recording());
    end(&start(&tracer, "child", &root));
    fail(&root);
    assert_eq!(exported.names(), ["child", "root"]);
}
