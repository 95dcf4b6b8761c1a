//! Allocations and times of one case, which has the process for itself.

use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

use benches::{Case, Driver, Framework, Mode, ended_spans, machine::output, median};
use serde_json::{Value, json};

use crate::{Result, threads};

/// Makes this program measure the case of the number that follows.
pub(crate) const OPTION: &str = "--cell";

/// Turns of a case and its baseline.
const PAIRS: usize = 301;

/// The program itself, once more.
pub(crate) fn measured(index: usize) -> Result<Value> {
    let printed = output(Command::new(env::current_exe()?).arg(OPTION).arg(index.to_string()))?;
    Ok(serde_json::from_str(&printed)?)
}

pub(crate) fn measure(case: Case) -> Result<Value> {
    // First, so that the global providers are those of the case.
    let bare = case.baseline().map(Case::site);
    let site = case.site().install();
    let mut driver = site.driver();
    check(case, &mut driver)?;
    let wall = bare.map(|bare| wall_ratio(&mut bare.driver(), &mut driver, batch(case.mode)));
    let is_server = matches!(case.subject.framework, Framework::Axum | Framework::Actix);
    let scaling = (is_server && case.mode == Mode::Sampled).then(|| threads::scaling(&site));
    Ok(json!({ "allocations": allocations(&mut driver), "wall": wall, "scaling": scaling }))
}

/// What does not do its work is not to be compared with.
fn check(case: Case, driver: &mut Driver) -> Result<()> {
    let before = ended_spans();
    driver.prepare(1);
    driver.run(1);
    let ended = ended_spans() - before;
    if case.spans().is_some_and(|spans| spans != ended) {
        return Err(format!("{case}: {ended} spans ended with the first request").into());
    }
    Ok(())
}

/// In one go, so that reading the clock does not count.
const fn batch(mode: Mode) -> usize {
    match mode {
        Mode::Frames => 4096,
        _ => 64,
    }
}

/// Per request.
fn allocations(driver: &mut Driver) -> f64 {
    let mut counted = |requests| {
        driver.prepare(requests);
        allocation_counter::measure(|| driver.run(requests)).count_total
    };
    let (short, long) = (counted(100), counted(1100));
    (long as f64 - short as f64) / 1000.0
}

/// Median of the ratios of turns.
fn wall_ratio(bare: &mut Driver, traced: &mut Driver, batch: usize) -> f64 {
    let ratios = (0..PAIRS).map(|_| {
        let baseline = timed(bare, batch);
        timed(traced, batch).as_secs_f64() / baseline.as_secs_f64()
    });
    median(ratios.collect())
}

pub(crate) fn timed(driver: &mut Driver, requests: usize) -> Duration {
    driver.prepare(requests);
    let started = Instant::now();
    driver.run(requests);
    started.elapsed()
}
