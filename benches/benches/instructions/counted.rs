//! Every case twice, once with few requests and once with many.

use benches::{Case, Driver, cases};
use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};

/// Requests of the short and of the long run.
pub(crate) const LENGTHS: [usize; 2] = [200, 1200];

/// Requests before the counting starts: threads' caches, lazy statics, interned names.
const WARM_UP: usize = 50;

pub(crate) fn run() {
    main();
}

/// The runs in the order gungraun numbers them.
pub(crate) fn runs() -> impl Iterator<Item = (Case, usize)> {
    cases().into_iter().flat_map(|case| LENGTHS.map(|length| (case, length)))
}

fn warm((case, length): (Case, usize)) -> (Driver, usize) {
    let mut driver = case.driver().install();
    driver.run(WARM_UP);
    (driver, length)
}

#[library_benchmark]
#[benches::run(iter = runs(), setup = warm)]
fn requests((mut driver, length): (Driver, usize)) -> Driver {
    driver.run(length);
    driver
}

library_benchmark_group!(name = instructions, benchmarks = requests);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = instructions
);
