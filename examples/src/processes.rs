//! Services as processes of their own: started by a parent, ready when they say so, stopped when it lets go of them.
//!
//! A service [announces](announce) its URL on standard output once it listens, and serves until
//! [`told_to_stop`]: when its standard input ends, which also happens when the parent dies, or on Ctrl-C or SIGTERM.

use std::{
    fmt::Display,
    io::{self, Read, Write},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    sync::oneshot,
    time::timeout,
};

const READY: &str = "ready ";
const START_DEADLINE: Duration = Duration::from_secs(30);
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// A service that is ready. It is killed when this is dropped without [`stop`](Self::stop).
#[derive(Debug)]
pub struct Service {
    child: Child,
    url: String,
}

impl Service {
    /// Starts the command and waits until it has announced itself. What else it prints is passed on.
    ///
    /// # Errors
    ///
    /// When it cannot be started, ends before it is ready, or is not ready within half a minute.
    pub async fn start(command: &mut Command) -> io::Result<Self> {
        Self::start_within(START_DEADLINE, command).await
    }

    async fn start_within(deadline: Duration, command: &mut Command) -> io::Result<Self> {
        let late = |_| {
            let said = format!("a service was not ready within {} s", deadline.as_secs_f64());
            io::Error::new(io::ErrorKind::TimedOut, said)
        };
        timeout(deadline, Self::start_at_leisure(command)).await.map_err(late)?
    }

    async fn start_at_leisure(command: &mut Command) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut lines = BufReader::new(output).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(url) = line.strip_prefix(READY) {
                tokio::spawn(pass_on(lines));
                return Ok(Self { child, url: url.to_owned() });
            }
            print_line(&line)?;
        }
        let status = child.wait().await?;
        Err(io::Error::other(format!("a service ended before it was ready ({status})")))
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Tells it to stop and waits until it has; kills it when that takes too long.
    ///
    /// # Errors
    ///
    /// When it cannot be waited for.
    pub async fn stop(mut self) -> io::Result<ExitStatus> {
        drop(self.child.stdin.take());
        if let Ok(status) = timeout(STOP_DEADLINE, self.child.wait()).await {
            return status;
        }
        self.child.kill().await?;
        self.child.wait().await
    }
}

/// Reads on when nobody reads what it prints, for a service must not wait for that.
async fn pass_on(mut lines: Lines<BufReader<ChildStdout>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = print_line(&line);
    }
}

/// Tells the parent that this service listens.
///
/// # Errors
///
/// When there is no parent any more.
pub fn announce(url: &str) -> io::Result<()> {
    print_line(format_args!("{READY}{url}"))
}

/// Prints a line on standard output, where `println!` panics once nobody reads it.
///
/// # Errors
///
/// When it cannot be written.
pub fn print_line(line: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// Waits until the parent wants this service to stop.
pub async fn told_to_stop() {
    tokio::select! {
        () = end_of_input() => {}
        () = interrupted() => {}
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn interrupted() {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// On a thread of its own, for a pending read of standard input would keep the runtime from ending.
async fn end_of_input() {
    let (ended, has_ended) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::stdin().lock().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    let _ = has_ended.await;
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_service_is_ready_when_it_says_so_and_stops_when_its_input_ends() {
        let script = "echo hello; echo ready http://127.0.0.1:1; cat; exit 7";
        let service = Service::start(&mut shell(script)).await.unwrap();
        assert_eq!(service.url(), "http://127.0.0.1:1");
        assert_eq!(service.stop().await.unwrap().code(), Some(7));
    }

    #[tokio::test]
    async fn a_service_that_is_never_ready_is_given_up() {
        let deadline = Duration::from_millis(10);
        let error = Service::start_within(deadline, &mut shell("cat")).await.unwrap_err();
        assert_eq!(error.to_string(), "a service was not ready within 0.01 s");
    }

    #[tokio::test]
    async fn a_service_that_ends_before_it_is_ready_is_an_error() {
        let error = Service::start(&mut shell("exit 3")).await.unwrap_err();
        assert!(error.to_string().contains("before it was ready (exit status: 3)"), "{error}");
    }
}
