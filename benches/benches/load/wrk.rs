use std::time::Duration;

use benches::{machine::output, request};

use crate::{
    Result,
    server::{Server, on_core},
};

/// Number of keep-alive connections, each with one request at a time.
const CONNECTIONS: &str = "16";

/// Results of `wrk` for one second.
pub(crate) struct Turn {
    pub(crate) requests: u64,
    pub(crate) throughput: f64,
    /// Processor time of the server, in ticks per request.
    pub(crate) processor: f64,
    /// 99th percentile of the latency.
    pub(crate) p99: Duration,
}

pub(crate) fn turn(server: &Server) -> Result<Turn> {
    let mut wrk = on_core(1, "wrk");
    wrk.args(["--threads", "1", "--connections", CONNECTIONS, "--duration", "1s", "--latency"]);
    // `wrk` adds a `Host` itself, and a request with two of them is invalid.
    for (name, value) in request::HEADERS.into_iter().filter(|(name, _)| *name != "host") {
        wrk.args(["--header", &format!("{name}: {value}")]);
    }
    let before = server.ticks()?;
    let printed = output(wrk.arg(format!("http://127.0.0.1:{}{}", server.port, request::PATH)))?;
    if printed.contains("Non-2xx") || printed.contains("Socket errors") {
        return Err(format!("{}: {printed}", server.case).into());
    }
    let ticks = server.ticks()? - before;
    parse(&printed, ticks).ok_or_else(|| format!("not what wrk prints: {printed}").into())
}

fn parse(printed: &str, ticks: u64) -> Option<Turn> {
    let line = |start| printed.lines().find_map(|line| line.trim().strip_prefix(start));
    let first = |end| printed.lines().find_map(|line| Some(line.trim().split_once(end)?.0));
    let requests = first(" requests in")?.parse().ok()?;
    Some(Turn {
        requests,
        throughput: line("Requests/sec:")?.trim().parse().ok()?,
        processor: ticks as f64 / requests as f64,
        p99: duration(line("99%")?.trim())?,
    })
}

/// Parses a duration such as `1.23ms`.
fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|character: char| character.is_ascii_alphabetic())?;
    let number: f64 = text[..unit].parse().ok()?;
    let seconds = match &text[unit..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(number * seconds))
}
