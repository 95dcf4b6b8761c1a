//! This program as another process, which reads and prints one number per line.

use std::{
    fmt::Display,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdout, Command, Stdio},
    str::FromStr,
};

use crate::Result;

/// Another process, which is killed on drop.
pub(crate) struct Process {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        Ok(Self { child, output: BufReader::new(output).lines() })
    }

    pub(crate) fn write(&mut self, number: impl Display) -> Result<()> {
        let input = self.child.stdin.as_mut().ok_or("the input is closed")?;
        Ok(writeln!(input, "{number}")?)
    }

    pub(crate) fn read<T: FromStr>(&mut self) -> Result<T> {
        let line = self.output.next().ok_or("the process has ended")??;
        line.parse().map_err(|_| line.into())
    }

    /// Closes the input, which ends the process.
    pub(crate) fn close(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits for the end of a process whose input is closed.
    pub(crate) fn wait(mut self) -> Result<()> {
        let status = self.child.wait()?;
        let rest = self.output.by_ref().collect::<std::result::Result<Vec<_>, _>>()?.join("\n");
        if status.success() { Ok(()) } else { Err(format!("{status}: {rest}").into()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
