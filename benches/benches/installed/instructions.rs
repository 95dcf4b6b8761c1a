//! Instructions of all threads, counted by callgrind: the difference of two run lengths.

use std::{env, fs, path::Path, process::Command};

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
    pub(crate) instructions: i64,
}

pub(crate) fn of_all() -> Result<Vec<Cost>> {
    installations().map(cost).collect()
}

/// Counts the instructions of this workspace over the bare service.
pub(crate) fn of_ours() -> Result<Vec<(String, i64)>> {
    let is_ours = |installation: &Installation| {
        !matches!(installation.tracing, Tracing::Rival | Tracing::RivalUnsubscribed)
    };
    let costs = installations().filter(is_ours).map(cost).collect::<Result<Vec<_>>>()?;
    let traced = costs.iter().filter(|cost| cost.installation.tracing != Tracing::Bare);
    let over = |cost: &Cost| (cost.installation.to_string(), over_bare(cost.installation, &costs));
    Ok(traced.map(over).collect())
}

/// Returns the instructions over those of the bare service, which is measured for every framework.
pub(crate) fn over_bare(installation: Installation, costs: &[Cost]) -> i64 {
    let of = |installation: Installation| {
        let mut found = costs.iter().filter(|cost| cost.installation == installation);
        found.next().map_or(0, |cost| cost.instructions)
    };
    of(installation) - of(installation.bare())
}

fn cost(installation: Installation) -> Result<Cost> {
    let [short, long] = LENGTHS;
    let difference = total(installation, long)? - total(installation, short)?;
    let instructions = difference / (BATCH * (long - short)) as i64;
    eprintln!("{instructions:>8} instructions: {installation}");
    Ok(Cost { installation, instructions })
}

/// Counts the instructions of a process that sends itself this number of batches of requests.
fn total(installation: Installation, batches: usize) -> Result<i64> {
    let counts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("installed.callgrind");
    let mut callgrind = Command::new("valgrind");
    callgrind
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(env::current_exe()?);
    let mut service = Service::start(installation, Work::Requests, callgrind)?;
    service.work(batches)?;
    service.finish()?;
    let text = fs::read_to_string(&counts)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind counted nothing")?.trim().parse()?)
}
