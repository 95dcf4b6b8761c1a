//! A service with its telemetry in a process of its own. It sends itself requests.

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

use crate::{Result, process::Process, receiver::Receiver};

/// Makes this program the service of the number that follows.
pub(crate) const OPTION: &str = "--service";

/// Requests between two flushes: one batch of the SDK's processor, whose queue has room for four.
pub(crate) const BATCH: usize = 512;

/// A service in another process, with a receiver of its own.
pub(crate) struct Service {
    installation: Installation,
    process: Process,
    receiver: Receiver,
    requests: usize,
}

pub(crate) fn installations() -> impl Iterator<Item = Installation> {
    [Framework::Axum, Framework::Actix].into_iter().flat_map(|framework| {
        Tracing::ALL.into_iter().map(move |tracing| Installation { framework, tracing })
    })
}

impl Service {
    /// Starts the service. `command` runs it: this program, or a tool that gets this program as an argument.
    pub(crate) fn start(installation: Installation, mut command: Command) -> Result<Self> {
        let index = installations().position(|other| other == installation);
        let receiver = Receiver::start()?;
        command
            .args([OPTION, &index.ok_or("no such installation")?.to_string()])
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", receiver.port))
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
            .env("OTEL_SERVICE_NAME", "benchmarks")
            .stderr(Stdio::null());
        Ok(Self { installation, process: Process::start(&mut command)?, receiver, requests: 0 })
    }

    /// Sends requests and delivers their spans. Returns the processor time of all threads.
    pub(crate) fn send(&mut self, batches: usize) -> Result<Duration> {
        self.requests += batches * BATCH;
        self.process.write(batches)?;
        Ok(Duration::from_nanos(self.process.read()?))
    }

    /// Shuts the service down.
    ///
    /// # Errors
    ///
    /// When the receiver has not received every span exactly once.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.process.close();
        self.process.wait()?;
        let expected = self.requests * self.installation.tracing.spans();
        let received = self.receiver.finish()?;
        if received != expected {
            return Err(format!("{}: {received} spans of {expected}", self.installation).into());
        }
        Ok(())
    }
}

/// This program.
pub(crate) fn program() -> Result<Command> {
    Ok(Command::new(env::current_exe()?))
}

/// Runs the service until standard input ends. Prints the processor time of what it is told to send.
pub(crate) fn run(index: usize) -> Result<()> {
    let installation = installations().nth(index).ok_or("no such installation")?;
    let (site, export) = installation.install()?;
    let mut driver = site.install().driver();
    for line in io::stdin().lines() {
        let before = processor_time();
        for _ in 0..line?.parse()? {
            driver.run(BATCH);
            export.flush()?;
        }
        println!("{}", (processor_time() - before).as_nanos());
    }
    export.shutdown()
}

/// Of all threads of this process, those that have ended included.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
