//! The figures that OpenTelemetry's specification defines for SDKs, in "Performance Benchmark of OpenTelemetry API".

use std::{env, process::Command};

use benches::{
    Framework,
    installed::{Installation, Tracing},
};

use crate::{
    Result,
    service::Service,
    work::{BATCH, Work},
};

/// Measurements of every figure.
const TIMES: usize = 10;

/// Batches of a measurement of throughput, after the same number for warm-up.
const BATCHES: usize = 200;

/// Length of a measurement at a given rate.
const SECONDS: usize = 15;

/// Figures of one SDK, one value for each measurement.
#[derive(Default)]
pub(crate) struct Figures {
    /// Spans created and exported in a second of processor time.
    pub(crate) throughput: Vec<f64>,
    /// Average share of a core, in per cent, at 10,000 spans a second.
    pub(crate) average: Vec<f64>,
    /// Share of a core in the busiest second.
    pub(crate) peak: Vec<f64>,
}

/// Measures this workspace, and the SDK with its batch processor.
pub(crate) fn figures() -> Result<[Figures; 2]> {
    let [mut ours, mut sdk] = [(); 2].map(|()| Figures::default());
    for _ in 0..TIMES {
        ours.measure(Tracing::Ours)?;
        sdk.measure(Tracing::Rival)?;
    }
    Ok([ours, sdk])
}

impl Figures {
    fn measure(&mut self, tracing: Tracing) -> Result<()> {
        self.throughput.push(throughput(tracing)?);
        let shares = shares(tracing)?;
        self.average.push(benches::mean(&shares));
        self.peak.push(shares.into_iter().fold(0.0, f64::max));
        Ok(())
    }
}

fn throughput(tracing: Tracing) -> Result<f64> {
    let mut service = start(tracing, Work::Spans)?;
    service.work(BATCHES)?;
    let time = service.work(BATCHES)?;
    service.finish()?;
    Ok((BATCHES * BATCH) as f64 / time.as_secs_f64())
}

/// Returns the share of a core in every second, in per cent.
fn shares(tracing: Tracing) -> Result<Vec<f64>> {
    let mut service = start(tracing, Work::Second)?;
    let mut share = |_| Ok(service.work(1)?.as_secs_f64() * 100.0);
    let shares = (0..SECONDS).map(&mut share).collect();
    service.finish()?;
    shares
}

fn start(tracing: Tracing, work: Work) -> Result<Service> {
    let installation = Installation { framework: Framework::Axum, tracing };
    Service::start(installation, work, Command::new(env::current_exe()?))
}
