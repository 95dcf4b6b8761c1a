//! The service as another process. It reads one command per line and responds with one line.

use std::{
    env,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::{Result, report::Snapshot};

/// Option that makes this program the service that exports to the endpoint that follows.
pub(crate) const OPTION: &str = "--service";

/// Command that returns a [`Snapshot`] as JSON.
pub(crate) const SNAPSHOT: &str = "snapshot";

/// Command that shuts down telemetry and returns the loss of the last moment, or nothing.
pub(crate) const FINISH: &str = "finish";

/// The process, which is killed on drop.
pub(crate) struct Service {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    pub(crate) axum: u16,
    pub(crate) actix: u16,
    pub(crate) panel: String,
}

impl Service {
    pub(crate) fn start(endpoint: &str) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([OPTION, endpoint])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut line = || -> Result<String> { Ok(output.next().ok_or("the service has ended")??) };
        let (axum, actix, panel) = (line()?.parse()?, line()?.parse()?, line()?);
        Ok(Self { child, output, axum, actix, panel })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn snapshot(&mut self) -> Result<Snapshot> {
        Ok(serde_json::from_str(&self.command(SNAPSHOT)?)?)
    }

    pub(crate) fn finish(mut self) -> Result<String> {
        let loss = self.command(FINISH)?;
        let status = self.child.wait()?;
        if status.success() { Ok(loss) } else { Err(format!("the service: {status}").into()) }
    }

    fn command(&mut self, command: &str) -> Result<String> {
        let input = self.child.stdin.as_mut().ok_or("the input is closed")?;
        writeln!(input, "{command}")?;
        Ok(self.output.next().ok_or("the service has ended")??)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
