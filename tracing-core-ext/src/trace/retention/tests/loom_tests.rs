//! Model checks of spans and log records of one trace that end on several threads.

use loom::thread;

use super::{
    logs::{Log, records},
    *,
};
use crate::base::sync::check;

/// Ends a child, and another one after a log record, while the root ends and fails or does not. Each is exported or
/// counted once.
fn ended_at_once(has_failed: bool) {
    check(move || {
        let (provider, tracer, exported) = retaining(Retention::new());
        let log = Log::of(&provider);
        let root = start(&tracer, "root", &caller(7, TraceFlags::NOT_SAMPLED));
        let child = start(&tracer, "child", &root);
        let other = start(&tracer, "other", &root);
        let ending = thread::spawn(move || end(&child));
        let writing = {
            let log = log.clone();
            thread::spawn(move || {
                log.write(&other, "line");
                end(&other);
            })
        };
        match has_failed {
            true => fail(&root),
            false => end(&root),
        }
        ending.join().unwrap();
        writing.join().unwrap();

        assert_eq!(exported.names().len(), if has_failed { 3 } else { 0 });
        // A record that is written after the end of the root has the flag of the head sampler.
        let written = log.take();
        let possible = [records(&[("line", has_failed)]), records(&[("line", false)])];
        assert!(possible.contains(&written), "{written:?}");
        let counts = provider.held_counts()();
        let (kept, discarded) = if has_failed { (3, 0) } else { (0, 3) };
        assert_eq!((counts.kept, counts.discarded, counts.waiting_bytes), (kept, discarded, 0));
    });
}

#[test]
fn a_kept_trace_loses_nothing_that_ends_with_its_root() {
    ended_at_once(true);
}

#[test]
fn a_discarded_trace_counts_what_ends_with_its_root() {
    ended_at_once(false);
}

#[test]
fn a_shutdown_counts_what_ends_at_the_same_time() {
    check(|| {
        let (provider, tracer, exported) = retaining(Retention::new());
        let root = start(&tracer, "root", &caller(7, TraceFlags::NOT_SAMPLED));
        let child = start(&tracer, "child", &root);
        let ending = thread::spawn(move || end(&child));
        let stopping = {
            let provider = provider.clone();
            thread::spawn(move || provider.shutdown().unwrap())
        };
        ending.join().unwrap();
        stopping.join().unwrap();
        end(&root);

        assert_eq!(exported.names(), [""; 0]);
        let counts = provider.held_counts()();
        assert_eq!((counts.kept, counts.waiting_bytes), (0, 0));
        assert_eq!(counts.discarded + counts.expired, 2, "{counts:?}");
    });
}
