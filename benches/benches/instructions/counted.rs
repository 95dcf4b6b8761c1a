//! Runs every case twice, with few requests and with many.

use std::env;

use benches::{Case, Driver, Role, cases};
use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};

/// Requests of the short and of the long run.
pub(crate) const LENGTHS: [usize; 2] = [200, 1200];

/// Requests before counting, which fill the caches of threads, lazy statics and interned names.
const WARM_UP: usize = 50;

/// Variable with the selection for the programs that gungraun starts.
const SELECTION: &str = "BENCHES_SELECTION";

/// Selection of the counted cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    Everything,
    /// The cases with limits, and their baselines.
    Ours,
}

impl Selection {
    pub(crate) fn variable(self) -> (&'static str, &'static str) {
        (SELECTION, if self == Self::Ours { "ours" } else { "everything" })
    }

    fn of_process() -> Self {
        let is_ours = env::var(SELECTION).is_ok_and(|value| value == Self::Ours.variable().1);
        if is_ours { Self::Ours } else { Self::Everything }
    }

    pub(crate) fn cases(self) -> Vec<Case> {
        let is_selected = |case: &Case| {
            self == Self::Everything || [Role::Ours, Role::Bare].contains(&case.subject.role)
        };
        cases().into_iter().filter(is_selected).collect()
    }

    /// Returns the runs in the order in which gungraun numbers them.
    pub(crate) fn runs(self) -> impl Iterator<Item = (Case, usize)> {
        self.cases().into_iter().flat_map(|case| LENGTHS.map(|length| (case, length)))
    }
}

pub(crate) fn run() {
    main();
}

fn runs() -> impl Iterator<Item = (Case, usize)> {
    Selection::of_process().runs()
}

fn warm((case, length): (Case, usize)) -> (Driver, usize) {
    let mut driver = case.site().install().driver();
    driver.prepare(WARM_UP);
    driver.run(WARM_UP);
    driver.prepare(length);
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
    config = LibraryBenchmarkConfig::default()
        .pass_through_env(SELECTION)
        .tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = instructions
);
