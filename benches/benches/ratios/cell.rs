//! Allocations and times of one case, measured in a separate process.

use std::{env, process::Command};

use benches::{Case, Driver, Framework, Mode, ended_spans, machine::output, median};
use serde_json::{Value, json};

use crate::{Result, clock::timed, threads};

/// Option that makes this program measure the case with the index that follows.
pub(crate) const OPTION: &str = "--cell";

/// Number of turns of a case and its baseline.
const PAIRS: usize = 301;

/// Runs this program for one case, and returns its results.
pub(crate) fn measured(index: usize) -> Result<Value> {
    let printed = output(Command::new(env::current_exe()?).arg(OPTION).arg(index.to_string()))?;
    Ok(serde_json::from_str(&printed)?)
}

pub(crate) fn measure(case: Case) -> Result<Value> {
    // Built first, so that the global providers are those of the case.
    let bare = case.baseline().map(Case::site);
    let site = case.site().install();
    let mut driver = site.driver();
    check(case, &mut driver)?;
    let wall = bare.map(|bare| wall_ratio(&mut bare.driver(), &mut driver, batch(case.mode)));
    let is_server = matches!(case.subject.framework, Framework::Axum | Framework::Actix);
    let scaling = (is_server && case.mode == Mode::Sampled).then(|| threads::scaling(&site));
    Ok(json!({ "allocations": allocations(&mut driver), "wall": wall, "scaling": scaling }))
}

/// Checks that a case records its spans, because otherwise a comparison is not valid.
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

/// Number of requests in one turn, so that reading the clock is negligible.
const fn batch(mode: Mode) -> usize {
    match mode {
        Mode::Frames => 4096,
        _ => 64,
    }
}

/// Allocations per request.
fn allocations(driver: &mut Driver) -> f64 {
    let mut counted = |requests| {
        driver.prepare(requests);
        allocation_counter::measure(|| driver.run(requests)).count_total
    };
    let (short, long) = (counted(100), counted(1100));
    (long as f64 - short as f64) / 1000.0
}

/// Returns the median of the ratios of turns.
fn wall_ratio(bare: &mut Driver, traced: &mut Driver, batch: usize) -> f64 {
    let ratios = (0..PAIRS).map(|_| {
        let baseline = timed(bare, batch);
        timed(traced, batch).as_secs_f64() / baseline.as_secs_f64()
    });
    median(ratios.collect())
}
