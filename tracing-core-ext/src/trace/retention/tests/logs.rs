//! Log records of spans whose trace waits.

use super::*;
use crate::logs::{LogLimits, LogProcessor, LogRecord, LogSeverity, Logger};

/// Records that were emitted, as their body and the sampled flag.
#[derive(Clone, Debug, Default)]
struct Emitted(Arc<Mutex<Vec<(String, bool)>>>);

impl Emitted {
    fn take(&self) -> Vec<(String, bool)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl LogProcessor for Emitted {
    fn on_emit(&self, record: LogRecord) {
        let is_sampled = record.span.unwrap().flags.is_sampled();
        self.0.lock().unwrap().push((record.body().unwrap().to_owned(), is_sampled));
    }
}

#[derive(Clone)]
pub(super) struct Log {
    provider: TracerProvider,
    logger: Logger,
    emitted: Emitted,
}

impl Log {
    pub(super) fn of(provider: &TracerProvider) -> Self {
        let emitted = Emitted::default();
        let logger = Logger::new(vec![Box::new(emitted.clone())], LogLimits::default());
        Self { provider: provider.clone(), logger, emitted }
    }

    pub(super) fn write(&self, cx: &Context, body: &str) {
        let now = SystemTime::UNIX_EPOCH;
        let limits = self.logger.limits();
        let mut record = LogRecord::new(now, LogSeverity::Info, "shop".into(), limits);
        record.span = Some(cx.span().span_context().into());
        record.set_body(body);
        self.provider.emit(&self.logger, record);
    }

    /// Returns the records since the last call.
    pub(super) fn take(&self) -> Vec<(String, bool)> {
        self.emitted.take()
    }
}

pub(super) fn records(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
    expected.iter().map(|(body, is_sampled)| ((*body).to_owned(), *is_sampled)).collect()
}

#[test]
fn records_wait_for_the_decision_and_have_its_flag() {
    let (provider, tracer, _exported) = retaining(Retention::new());
    let log = Log::of(&provider);
    for is_kept in [true, false] {
        let root = start(&tracer, "root", &Context::new());
        let child = start(&tracer, "child", &root);
        log.write(&child, "in the child");
        log.write(&root, "in the root");
        end(&child);
        assert_eq!(log.take(), records(&[]));
        assert!(provider.held_counts()().waiting_bytes > 0);
        if is_kept {
            fail(&root)
        } else {
            end(&root)
        }
        assert_eq!(log.take(), records(&[("in the child", is_kept), ("in the root", is_kept)]));
        assert_eq!(provider.held_counts()().waiting_bytes, 0);
    }
}

#[test]
fn a_record_after_the_decision_does_not_wait() {
    let (provider, tracer, _exported) = retaining(Retention::new());
    let log = Log::of(&provider);
    let root = start(&tracer, "root", &Context::new());
    fail(&start(&tracer, "child", &root));
    log.write(&root, "late");
    assert_eq!(log.take(), records(&[("late", true)]));
    end(&root);
    assert_eq!(log.take(), records(&[]));
}

#[test]
fn a_record_of_a_trace_that_does_not_wait_is_emitted_at_once() {
    let (provider, tracer, _exported) = retaining(Retention::new());
    let log = Log::of(&provider);
    let waiting = start(&tracer, "root", &Context::new());
    for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
        log.write(&caller(8, flags), "elsewhere");
        assert_eq!(log.take(), records(&[("elsewhere", flags.is_sampled())]));
    }
    end(&waiting);
}

#[test]
fn records_remain_if_their_trace_is_too_old_or_has_no_memory() {
    let old = Retention::new().max_age(Duration::from_nanos(1));
    let full = Retention::new().max_bytes(64 << 10);
    for (retention, waiting) in [(old, 1), (full, 0)] {
        let (provider, tracer, _exported) = retaining(retention);
        let log = Log::of(&provider);
        let root = start(&tracer, "root", &Context::new());
        log.write(&root, &"long".repeat(16 << (10 * (1 - waiting))));
        provider.force_flush().unwrap();
        assert!(matches!(&log.take()[..], [(_, false)]), "{waiting}");
        log.write(&root, "late");
        assert_eq!(log.take(), records(&[("late", false)][1 - waiting..]));
        fail(&root);
        assert_eq!(log.take(), records(&[("late", true)][waiting..]));
    }
}

#[test]
fn a_shutdown_emits_the_records_that_wait() {
    let (provider, tracer, _exported) = retaining(Retention::new());
    let log = Log::of(&provider);
    let root = start(&tracer, "root", &Context::new());
    end(&start(&tracer, "child", &root));
    log.write(&root, "before");
    provider.shutdown().unwrap();
    assert_eq!(log.take(), records(&[("before", false)]));
    let counts = provider.held_counts()();
    assert_eq!((counts.discarded, counts.waiting_bytes), (1, 0));
    log.write(&root, "after");
    assert_eq!(log.take(), records(&[("after", false)]));
}
