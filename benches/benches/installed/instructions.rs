//! Instructions of each thread, counted by callgrind: the difference of two run lengths.

use std::{
    env, fs,
    ops::{Div, Sub},
    path::Path,
    process::Command,
};

use benches::installed::{Installation, Tracing};

use crate::{
    Result,
    service::{Service, installations},
    work::{BATCH, Work},
};

/// Batches of the short and of the long run.
const LENGTHS: [usize; 2] = [4, 24];

/// Cost of a request and of the export of its span.
pub(crate) struct Cost {
    pub(crate) installation: Installation,
    pub(crate) instructions: Instructions,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Instructions {
    pub(crate) all_threads: i64,
    /// Instructions of the thread that serves the requests.
    pub(crate) request_thread: i64,
}

impl Sub for Instructions {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            all_threads: self.all_threads - other.all_threads,
            request_thread: self.request_thread - other.request_thread,
        }
    }
}

impl Div<i64> for Instructions {
    type Output = Self;

    fn div(self, count: i64) -> Self {
        Self { all_threads: self.all_threads / count, request_thread: self.request_thread / count }
    }
}

pub(crate) fn of_all() -> Result<Vec<Cost>> {
    installations().map(cost).collect()
}

/// Counts the instructions of this workspace over the bare service. Log lines are not part of the
/// recorded costs, because most of theirs is that of printing.
pub(crate) fn of_ours() -> Result<Vec<(String, i64)>> {
    let is_ours = |installation: &Installation| {
        !matches!(
            installation.tracing,
            Tracing::OursLogs | Tracing::Rival | Tracing::RivalUnsubscribed
        )
    };
    let costs = installations().filter(is_ours).map(cost).collect::<Result<Vec<_>>>()?;
    let traced = costs.iter().filter(|cost| cost.installation.tracing != Tracing::Bare);
    let over = |cost: &Cost| over_bare(cost.installation, &costs).all_threads;
    Ok(traced.map(|cost| (cost.installation.to_string(), over(cost))).collect())
}

/// Returns the instructions over those of the bare service, which is measured for every framework.
pub(crate) fn over_bare(installation: Installation, costs: &[Cost]) -> Instructions {
    let of = |installation: Installation| {
        let mut found = costs.iter().filter(|cost| cost.installation == installation);
        found.next().map_or_else(Instructions::default, |cost| cost.instructions)
    };
    of(installation) - of(installation.bare())
}

fn cost(installation: Installation) -> Result<Cost> {
    let [short, long] = LENGTHS;
    let difference = total(installation, long)? - total(installation, short)?;
    let instructions = difference / (BATCH * (long - short)) as i64;
    eprintln!("{:>8} instructions: {installation}", instructions.all_threads);
    Ok(Cost { installation, instructions })
}

/// Counts the instructions of a process that sends itself this number of batches of requests.
fn total(installation: Installation, batches: usize) -> Result<Instructions> {
    let counts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("installed.callgrind");
    let mut callgrind = Command::new("valgrind");
    callgrind
        .args(["--tool=callgrind", "--quiet", "--separate-threads=yes"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(env::current_exe()?);
    let mut service = Service::start(installation, Work::Requests, callgrind)?;
    service.work(batches)?;
    service.finish()?;
    let threads = (1..).map_while(|thread| take_total(&counts, thread));
    let threads = threads.collect::<Result<Vec<i64>>>()?;
    let request_thread = *threads.first().ok_or("callgrind counted nothing")?;
    Ok(Instructions { all_threads: threads.iter().sum(), request_thread })
}

/// Reads and removes the file of a thread. The main thread is the first, and serves the requests.
fn take_total(counts: &Path, thread: usize) -> Option<Result<i64>> {
    let file = format!("{}-{thread:02}", counts.display());
    let text = fs::read_to_string(&file).ok()?;
    let _ = fs::remove_file(file);
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let total = total.ok_or_else(|| "callgrind wrote no total".into());
    Some(total.and_then(|total| Ok(total.trim().parse()?)))
}
