//! Services as separate processes: a parent starts them, waits until they are ready, and stops them
//! by closing their standard input.
//!
//! A service [announces](announce) its URL on standard output when it listens. It serves until
//! [`stop_requested`] returns: when its standard input ends, which also happens when the parent
//! dies, or on Ctrl-C or SIGTERM.

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
    task::JoinHandle,
    time::timeout,
};

const READY: &str = "ready ";
const START_DEADLINE: Duration = Duration::from_secs(30);
/// Longer than a service requires to drain and to export its spans.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// Time for requests to end after a service is stopped. Orchestrators kill a process 30 seconds
/// after SIGTERM, and spans must be exported within that time as well.
pub const DRAIN: Duration = Duration::from_secs(10);

/// A service that is ready. Dropping it without [`stop`](Self::stop) kills the process.
#[derive(Debug)]
pub struct Service {
    child: Child,
    output: JoinHandle<()>,
    url: String,
}

impl Service {
    /// Starts the command and waits until the service has announced itself. Other lines that it
    /// prints are forwarded.
    ///
    /// # Errors
    ///
    /// If it cannot be started, ends before it is ready, or is not ready within half a minute.
    pub async fn start(command: &mut Command) -> io::Result<Self> {
        Self::start_within(START_DEADLINE, command).await
    }

    async fn start_within(deadline: Duration, command: &mut Command) -> io::Result<Self> {
        let late = |_| {
            let message = format!("a service was not ready within {} s", deadline.as_secs_f64());
            io::Error::new(io::ErrorKind::TimedOut, message)
        };
        timeout(deadline, Self::start_at_leisure(command)).await.map_err(late)?
    }

    async fn start_at_leisure(command: &mut Command) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        // Otherwise Ctrl-C in a terminal would stop all services at the same time, although some
        // still call the others.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut lines = BufReader::new(output).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(url) = line.strip_prefix(READY) {
                let output = tokio::spawn(pass_on(lines));
                return Ok(Self { child, output, url: url.to_owned() });
            }
            print_line(&line)?;
        }
        let status = child.wait().await?;
        Err(io::Error::other(format!("a service ended before it was ready ({status})")))
    }

    /// Returns the URL on which the service listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the service, and waits until it has ended and its output is forwarded. Kills it if
    /// that takes too long.
    ///
    /// # Errors
    ///
    /// If waiting for the process fails.
    pub async fn stop(mut self) -> io::Result<ExitStatus> {
        drop(self.child.stdin.take());
        let ended = async {
            let _ = self.output.await;
            self.child.wait().await
        };
        if let Ok(status) = timeout(STOP_DEADLINE, ended).await {
            return status;
        }
        self.child.kill().await?;
        self.child.wait().await
    }
}

/// Forwards lines. Continues to read if standard output is closed, so that the service does not
/// block.
async fn pass_on(mut lines: Lines<BufReader<ChildStdout>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = print_line(&line);
    }
}

/// Announces to the parent that this service listens.
///
/// # Errors
///
/// If the parent has ended.
pub fn announce(url: &str) -> io::Result<()> {
    print_line(format_args!("{READY}{url}"))
}

/// Prints a line on standard output, where `println!` would panic if it is closed.
///
/// # Errors
///
/// If the line cannot be written.
pub fn print_line(line: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// Waits until the parent or a signal stops this service.
pub async fn stop_requested() {
    tokio::select! {
        () = end_of_input() => {}
        () = interrupted() => {}
    }
}

/// Serves until the server ends, for at most [`DRAIN`] after `stopping` completes, so that a caller
/// that does not read a response cannot keep the service running.
///
/// # Errors
///
/// Errors of the server.
pub async fn drained(
    stopping: impl Future<Output = ()>,
    server: impl IntoFuture<Output = io::Result<()>>,
) -> io::Result<()> {
    drained_within(DRAIN, stopping, server).await
}

async fn drained_within(
    drain: Duration,
    stopping: impl Future<Output = ()>,
    server: impl IntoFuture<Output = io::Result<()>>,
) -> io::Result<()> {
    let too_late = async {
        stopping.await;
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = too_late => Ok(()),
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

/// Waits for the end of standard input on a separate thread, because a pending read would keep the
/// runtime from shutting down.
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
    async fn a_service_is_ready_when_it_announces_it_and_stops_when_its_input_ends() {
        let script = "echo hello; echo ready http://127.0.0.1:1; cat; exit 7";
        let service = Service::start(&mut shell(script)).await.unwrap();
        assert_eq!(service.url(), "http://127.0.0.1:1");
        assert_eq!(service.stop().await.unwrap().code(), Some(7));
    }

    #[tokio::test]
    async fn a_service_that_is_not_ready_in_time_is_an_error() {
        let deadline = Duration::from_millis(10);
        let error = Service::start_within(deadline, &mut shell("cat")).await.unwrap_err();
        assert_eq!(error.to_string(), "a service was not ready within 0.01 s");
    }

    #[tokio::test]
    async fn a_server_that_does_not_stop_in_time_is_dropped() {
        drained_within(Duration::ZERO, async {}, std::future::pending()).await.unwrap();
    }

    #[tokio::test]
    async fn the_result_of_a_server_that_ends_is_returned() {
        let refused = async { Err(io::ErrorKind::AddrInUse.into()) };
        let ended = drained_within(DRAIN, std::future::pending(), refused).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn a_service_that_ends_before_it_is_ready_is_an_error() {
        let error = Service::start(&mut shell("exit 3")).await.unwrap_err();
        assert!(error.to_string().contains("before it was ready (exit status: 3)"), "{error}");
    }
}
