//! Processor time of all threads, user and system.

use std::{env, process::Command};

use benches::{installed::Installation, median};

use crate::{
    Result,
    service::{Service, installations},
    work::{BATCH, Work},
};

/// Turns of every service, after one that warms up.
const ROUNDS: usize = 201;

/// Batches of one turn.
const BATCHES: usize = 4;

/// Nanoseconds of a request and of the export of its span, in every round.
pub(crate) struct Times {
    pub(crate) installation: Installation,
    pub(crate) rounds: Vec<f64>,
}

/// Measures the services in turns of alternating order, so that a disturbance affects all of them.
pub(crate) fn times() -> Result<Vec<Times>> {
    let start = |installation| {
        let program = Command::new(env::current_exe()?);
        let service = Service::start(installation, Work::Requests, program)?;
        Ok((service, Times { installation, rounds: Vec::new() }))
    };
    let mut services = installations().map(start).collect::<Result<Vec<_>>>()?;
    for (service, _) in &mut services {
        service.work(BATCHES)?;
    }
    for _ in 0..ROUNDS {
        for (service, times) in &mut services {
            let time = service.work(BATCHES)?;
            times.rounds.push(time.as_nanos() as f64 / (BATCHES * BATCH) as f64);
        }
        services.reverse();
    }
    services.into_iter().map(|(service, times)| service.finish().and(Ok(times))).collect()
}

/// Returns the median over that of the bare service.
pub(crate) fn over_bare(installation: Installation, times: &[Times]) -> Option<f64> {
    Some(median(over_bare_by_round(installation, times)?.collect()))
}

/// Returns the median of the ratios of the rounds, each of times over the bare service.
pub(crate) fn ratio(ours: Installation, rival: Installation, times: &[Times]) -> Option<f64> {
    let rounds = over_bare_by_round(ours, times)?.zip(over_bare_by_round(rival, times)?);
    Some(median(rounds.map(|(ours, rival)| ours / rival).collect()))
}

fn over_bare_by_round(
    installation: Installation,
    times: &[Times],
) -> Option<impl Iterator<Item = f64>> {
    let of = |installation| times.iter().find(|times| times.installation == installation);
    let (traced, bare) = (of(installation)?, of(installation.bare())?);
    Some(traced.rounds.iter().zip(&bare.rounds).map(|(traced, bare)| traced - bare))
}
