//! A service under mixed load for hours: nothing leaks, nothing is lost without being counted, and no
//! request fails because of telemetry.
//!
//! ```text
//! cargo bench -p benches --features soak --bench soak                  # two hours
//! cargo bench -p benches --features soak --bench soak -- --short       # ten minutes
//! cargo bench -p benches --features soak --bench soak -- --minutes 3
//! ```
//!
//! The service is another process, with axum and actix-web. It exports traces, metrics and logs over
//! OTLP to a backend that disappears, hangs, refuses, rejects and responds with a page; its panel is
//! open; and its log filter and its sampler change. Half of the callers are hostile.
//!
//! It fails if
//!
//! - a request of a friendly caller has another response than its handler, or a hostile one whose HTTP
//!   is valid has none;
//! - items that were offered to an exporter are neither delivered, lost nor waiting, or if there are
//!   not as many as spans have ended and records were emitted;
//! - a request is in flight after the callers have stopped;
//! - memory or file descriptors grow: the line that fits the samples after a fifth of the time rises by
//!   more than [`MAX_MEMORY`] or [`MAX_FILES`] until the end;
//! - a page of the panel is not served, or a handler panics that was not asked to.

mod backend;
mod callers;
mod hostile;
mod process;
mod report;
mod service;
mod watch;

use std::{
    env,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use self::{
    backend::Backend,
    callers::{Callers, Targets},
    process::Service,
    report::{Report, Snapshot},
    watch::Watch,
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Growth of the resident memory after the warm-up that is no leak: pages that the allocator has not
/// returned.
const MAX_MEMORY: f64 = 8.0 * 1024.0;

/// Growth of the number of open files after the warm-up that is no leak: connections come and go.
const MAX_FILES: f64 = 8.0;

const FULL: Duration = Duration::from_secs(2 * 60 * 60);
const SHORT: Duration = Duration::from_secs(10 * 60);

/// Time in which requests end and items are exported after the callers have stopped.
const QUIET: Duration = Duration::from_secs(90);

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let behind = |option: &str| {
        let at = arguments.iter().position(|argument| argument == option)?;
        arguments.get(at + 1)
    };
    if let Some(endpoint) = behind(process::OPTION) {
        return service::run(endpoint);
    }
    let duration = match behind("--minutes") {
        Some(minutes) => Duration::from_secs_f64(60.0 * minutes.parse::<f64>()?),
        None if arguments.iter().any(|argument| argument == "--short") => SHORT,
        None => FULL,
    };
    let report = soak(duration)?;
    println!("{report}");
    let failures = report.failures();
    match failures.is_empty() {
        true => Ok(()),
        false => Err(failures.join("\n").into()),
    }
}

fn soak(duration: Duration) -> Result<Report> {
    let backend = Backend::start()?;
    let mut service = Service::start(&backend.endpoint())?;
    let targets =
        Targets { axum: service.axum, actix: service.actix, panel: service.panel.clone() };
    let is_over = Arc::new(AtomicBool::new(false));
    let callers = {
        let is_over = Arc::clone(&is_over);
        thread::spawn(move || Callers::run(&targets, &is_over))
    };
    let mut watch = Watch::new(service.id());
    let (mut snapshots, mut unbalanced) = (0, Vec::new());
    let started = Instant::now();
    while started.elapsed() < duration && !callers.is_finished() {
        thread::sleep(Duration::from_secs(1));
        watch.sample(started.elapsed())?;
        let snapshot = service.snapshot()?;
        unbalanced.extend(snapshot.unbalanced());
        snapshots += 1;
        if snapshots % 60 == 0 {
            eprintln!("{:>4} min  {snapshot}  {}", snapshots / 60, watch.last());
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let calls = callers.join().map_err(|_| "a caller has panicked")??;
    backend.stay();
    let last = quiet(&mut service)?;
    unbalanced.extend(last.unbalanced());
    let shutdown = service.finish()?;
    Ok(Report {
        duration,
        calls,
        last,
        unbalanced,
        received: backend.received(),
        memory: watch.memory(),
        files: watch.files(),
        shutdown,
    })
}

/// Waits until no request is in flight and no item waits.
fn quiet(service: &mut Service) -> Result<Snapshot> {
    let started = Instant::now();
    loop {
        let snapshot = service.snapshot()?;
        if snapshot.is_quiet() || started.elapsed() > QUIET {
            return Ok(snapshot);
        }
        thread::sleep(Duration::from_millis(200));
    }
}
