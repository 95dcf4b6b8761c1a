//! A service with its telemetry in a separate process. It sends itself requests, or creates spans
//! without requests.

use std::{
    env, io,
    process::{Command, Stdio},
    time::Duration,
};

use benches::{
    Framework,
    installed::{Installation, Tracing},
};
use rustix::time::{ClockId, clock_gettime};

use crate::{Result, process::Process, receiver::Receiver, work::Work};

/// Option that makes this program a service. The index of the installation and the name of the work
/// follow.
pub(crate) const OPTION: &str = "--service";

/// Resource attributes. Their values have ten characters, except the UUID, as OpenTelemetry's
/// specification requires for benchmarks.
const RESOURCE: &str = "service.name=benchmarks,service.version=1.0.0-rc.1,\
                        service.instance.id=627cc493-f310-47de-96bd-71410b7dec09";

/// A service in another process, with its own receiver.
pub(crate) struct Service {
    installation: Installation,
    work: Work,
    process: Process,
    receiver: Receiver,
    units: usize,
}

pub(crate) fn installations() -> impl Iterator<Item = Installation> {
    [Framework::Axum, Framework::Actix].into_iter().flat_map(|framework| {
        Tracing::ALL.into_iter().map(move |tracing| Installation { framework, tracing })
    })
}

impl Service {
    /// Starts the service. `program` is this program, or a tool that runs it.
    pub(crate) fn start(
        installation: Installation,
        work: Work,
        mut program: Command,
    ) -> Result<Self> {
        let index = installations().position(|other| other == installation);
        let receiver = Receiver::start()?;
        program
            .args([OPTION, &index.ok_or("no such installation")?.to_string()])
            .arg(format!("{work:?}"))
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", receiver.port))
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
            .env("OTEL_RESOURCE_ATTRIBUTES", RESOURCE)
            .envs((work != Work::Requests).then_some(("OTEL_TRACES_SAMPLER", "always_on")))
            .stderr(Stdio::null());
        let process = Process::start(&mut program)?;
        Ok(Self { installation, work, process, receiver, units: 0 })
    }

    /// Does this number of units of the work. Returns the processor time of all threads.
    pub(crate) fn work(&mut self, units: usize) -> Result<Duration> {
        self.units += units;
        self.process.write(units)?;
        Ok(Duration::from_nanos(self.process.read()?))
    }

    /// Shuts the service down.
    ///
    /// # Errors
    ///
    /// If the receiver has not received every span and every log record exactly once.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.process.close();
        self.process.wait()?;
        let tracing = self.installation.tracing;
        let expected = [self.work.spans(tracing), self.work.log_records(tracing)];
        let expected = expected.map(|items| self.units * items);
        let received = self.receiver.finish()?;
        if received != expected {
            let installation = self.installation;
            return Err(format!("{installation}: {received:?} items of {expected:?}").into());
        }
        Ok(())
    }
}

/// Runs the service until standard input ends. For each number of units in a line it prints their
/// processor time.
pub(crate) fn run(index: &str, work: &str) -> Result<()> {
    let installation = installations().nth(index.parse()?).ok_or("no such installation")?;
    let work = Work::from_name(work).ok_or("no such work")?;
    let (site, export) = installation.install()?;
    let mut unit = work.unit(site, &*export);
    for line in io::stdin().lines() {
        let before = processor_time();
        for _ in 0..line?.parse()? {
            unit()?;
        }
        println!("{}", (processor_time() - before).as_nanos());
    }
    drop(unit);
    export.shutdown()
}

/// Processor time of all threads of this process, including those that have ended.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
