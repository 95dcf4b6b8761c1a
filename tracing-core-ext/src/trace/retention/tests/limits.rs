//! Limits of the spans that wait.

use super::*;
use crate::trace::SamplingStatus;

#[test]
fn spans_beyond_the_memory_are_discarded_and_counted_but_the_root_is_kept() {
    let (provider, tracer, exported) = retaining(Retention::new().max_bytes(64 << 10));
    let root = start(&tracer, "root", &Context::new());
    let mut ended = 0;
    while provider.held_counts()().overflowed == 0 {
        end(&start(&tracer, "child", &root));
        ended += 1;
        assert!(ended < 10_000);
    }
    let waiting = provider.held_counts()().waiting_bytes;
    assert!(waiting <= 64 << 10 && waiting > 60 << 10, "{waiting}");
    fail(&root);
    let names = exported.names();
    assert_eq!(names.len(), ended, "one child is lost, and the root is kept");
    assert_eq!(names.last().unwrap(), "root");
    let counts = provider.held_counts()();
    assert_eq!((counts.overflowed, counts.kept as usize, counts.waiting_bytes), (1, ended, 0));

    // The memory is free again.
    let root = start(&tracer, "root", &Context::new());
    end(&start(&tracer, "child", &root));
    fail(&root);
    assert_eq!(exported.names(), ["child", "root"]);
}

#[test]
fn traces_share_the_memory() {
    let (provider, tracer, _exported) = retaining(Retention::new().max_bytes(64 << 10));
    let roots: Vec<_> = (0..20).map(|_| start(&tracer, "root", &Context::new())).collect();
    for root in roots.iter().cycle().take(2000) {
        end(&start(&tracer, "child", root));
    }
    let counts = provider.held_counts()();
    assert!(counts.overflowed > 1500 && counts.waiting_bytes <= 64 << 10, "{counts:?}");
    roots.iter().for_each(end);
    let counts = provider.held_counts()();
    assert_eq!(counts.discarded + counts.overflowed, 2020);
    assert_eq!(counts.waiting_bytes, 0);
}

#[test]
fn spans_of_an_old_trace_are_discarded_and_counted_but_the_root_is_decided() {
    let age = Duration::from_nanos(1);
    let (provider, tracer, exported) = retaining(Retention::new().max_age(age));
    let root = start(&tracer, "root", &Context::new());
    end(&start(&tracer, "early", &root));
    assert_eq!(provider.held_counts()().expired, 1);
    end(&start(&tracer, "later", &root));
    assert_eq!(provider.held_counts()().expired, 2);
    assert_eq!(provider.sampling_status(root.span().span_context()), SamplingStatus::Undecided);
    fail(&root);
    assert_eq!(exported.names(), ["root"]);
}

#[test]
fn an_old_trace_that_is_slow_already_is_kept() {
    let age = Duration::from_nanos(1);
    let retention = Retention::new().max_age(age).slower_than(age);
    let (provider, tracer, exported) = retaining(retention);
    let root = start(&tracer, "root", &Context::new());
    end(&start(&tracer, "child", &root));
    provider.force_flush().unwrap();
    assert_eq!(exported.names(), ["child"]);
    assert_eq!(provider.held_counts()().expired, 0);
    end(&root);
    assert_eq!(exported.names(), ["root"]);
}

#[test]
fn a_trace_that_is_open_at_the_shutdown_exports_nothing() {
    let (provider, tracer, exported) = retaining(Retention::new());
    let root = start(&tracer, "root", &Context::new());
    end(&start(&tracer, "child", &root));
    provider.shutdown().unwrap();
    fail(&root);
    assert_eq!(exported.names(), [""; 0]);
    assert_eq!(provider.held_counts()().waiting_bytes, 0);
}

#[test]
fn an_open_trace_does_not_keep_the_memory_of_ended_ones() {
    let (provider, tracer, _exported) = retaining(Retention::new());
    let open = start(&tracer, "open", &Context::new());
    (0..100_000).for_each(|_| end(&start(&tracer, "root", &Context::new())));
    assert!(provider.held_entries() < 16 * 100, "{}", provider.held_entries());
    end(&open);
}

#[test]
fn invalid_limits_are_errors() {
    let error =
        |retention| Sampler::retain(Sampler::always_off(), retention).unwrap_err().to_string();
    assert_eq!(
        error(Retention::new().max_bytes(1000)),
        "Retention::max_bytes()=\"1000\": expected 65536 to 17179869184 bytes"
    );
    assert_eq!(
        error(Retention::new().max_age(Duration::ZERO)),
        "Retention::max_age()=\"0ns\": expected a duration of more than 0"
    );
    assert_eq!(
        error(Retention::new().matching(SpanMatch::new().path("a"))),
        "SpanMatch::path()=\"a\": expected a pattern that starts with / or *, such as /health"
    );
}

#[test]
fn threads_share_a_trace() {
    let (provider, tracer, exported) = retaining(Retention::new());
    for fails in [true, false] {
        let root = start(&tracer, "root", &Context::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| end(&start(&tracer, "child", &root))));
            }
        });
        if fails {
            root.span().set_status(Status::error(""));
        }
        end(&root);
        assert_eq!(exported.names().len(), if fails { 401 } else { 0 });
    }
    let counts = provider.held_counts()();
    assert_eq!((counts.kept, counts.discarded, counts.waiting_bytes), (401, 401, 0));
}
