//! Time one request takes, each case beside its bare service.
//!
//! ```text
//! cargo bench -p benches --features measure --bench latency
//! ```
//!
//! criterion measures every case on its own. On a machine that others use as well, trust the ratios: there a case and
//! its baseline take turns, so that what disturbs one disturbs the other.

use std::time::{Duration, Instant};

use benches::{Case, Driver, Framework, cases};
use criterion::{BenchmarkId, Criterion, criterion_group};

/// Requests in one go, so that reading the clock does not count.
const BATCH: usize = 64;

/// Turns of a case and its baseline.
const PAIRS: usize = 200;

fn main() {
    latency();
    Criterion::default().configure_from_args().final_summary();
    println!("\nMedian of {PAIRS} paired ratios to the bare service.\n");
    for case in cases().into_iter().filter(|case| is_traced(*case)) {
        println!("{:>6.2}  {case}", ratio(case));
    }
}

criterion_group! {
    name = latency;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(30)
        .configure_from_args();
    targets = every_case
}

fn every_case(criterion: &mut Criterion) {
    for case in cases() {
        let mut group = criterion.benchmark_group(case.label());
        let mut driver = case.driver();
        let id = BenchmarkId::from_parameter(format!("{:?}", case.sampling));
        group.bench_function(id, |bencher| {
            bencher.iter_custom(|requests| timed(&mut driver, requests as usize));
        });
        group.finish();
    }
}

fn is_traced(case: Case) -> bool {
    case.framework != Framework::None && case != case.baseline()
}

fn ratio(case: Case) -> f64 {
    let (mut bare, mut traced) = (case.baseline().driver(), case.driver());
    let mut ratios: Vec<_> = (0..PAIRS)
        .map(|_| {
            let baseline = timed(&mut bare, BATCH);
            timed(&mut traced, BATCH).as_secs_f64() / baseline.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[PAIRS / 2]
}

fn timed(driver: &mut Driver, requests: usize) -> Duration {
    let started = Instant::now();
    driver.run(requests);
    started.elapsed()
}
