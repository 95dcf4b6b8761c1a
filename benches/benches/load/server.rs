use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

use benches::Case;

use crate::Result;

/// Option that makes this program serve the case with the index that follows.
pub(crate) const OPTION: &str = "--serve";

/// A server in a separate process, which is killed on drop.
pub(crate) struct Server {
    pub(crate) case: Case,
    pub(crate) port: u16,
    process: Child,
}

impl Server {
    pub(crate) fn start(index: usize, case: Case) -> Result<Self> {
        let mut process = on_core(0, env::current_exe()?.to_str().ok_or("a path that is no text")?)
            .args([OPTION, &index.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let port = line.trim().parse().map_err(|error| format!("{case} does not start: {error}"));
        Ok(Self { case, port: port?, process })
    }

    /// Processor time so far, in ticks of the kernel's clock.
    pub(crate) fn ticks(&self) -> Result<u64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // proc_pid_stat(5): the name, second, ends with the last parenthesis; utime and stime are the 14th and 15th.
        let (_, behind_name) = stat.rsplit_once(')').ok_or("no name")?;
        let times = behind_name.split_whitespace().skip(11).take(2);
        Ok(times.map(str::parse::<u64>).sum::<std::result::Result<_, _>>()?)
    }

    /// Resident memory, in KiB.
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        Ok(line.ok_or("no VmRSS")?.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns a command that runs the program on this core, if there are two. `taskset` replaces
/// itself by the program, so the process id is that of the program.
pub(crate) fn on_core(core: usize, program: &str) -> Command {
    if thread::available_parallelism().is_ok_and(|cores| cores.get() < 2) {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string(), program]);
    command
}
