use std::time::Duration;

use benches::{machine::output, request};

use crate::{
    Result,
    server::{Server, on_core},
};

/// Kept alive, with one request at a time each.
const CONNECTIONS: &str = "16";

/// What `wrk` counted in a second.
pub(crate) struct Turn {
    pub(crate) requests: u64,
    pub(crate) throughput: f64,
    /// Of the slowest hundredth, the fastest.
    pub(crate) p99: Duration,
}

pub(crate) fn turn(server: &Server) -> Result<Turn> {
    let mut wrk = on_core(1, "wrk");
    wrk.args(["--threads", "1", "--connections", CONNECTIONS, "--duration", "1s", "--latency"]);
    for (name, value) in request::HEADERS {
        wrk.args(["--header", &format!("{name}: {value}")]);
    }
    let printed = output(wrk.arg(format!("http://127.0.0.1:{}{}", server.port, request::PATH)))?;
    if printed.contains("Non-2xx") || printed.contains("Socket errors") {
        return Err(format!("{}: {printed}", server.case).into());
    }
    parse(&printed).ok_or_else(|| format!("not what wrk prints: {printed}").into())
}

fn parse(printed: &str) -> Option<Turn> {
    let line = |start| printed.lines().find_map(|line| line.trim().strip_prefix(start));
    Some(Turn {
        requests: printed
            .lines()
            .find_map(|line| line.trim().split_once(" requests in"))?
            .0
            .parse()
            .ok()?,
        throughput: line("Requests/sec:")?.trim().parse().ok()?,
        p99: duration(line("99%")?.trim())?,
    })
}

/// `1.23ms`
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
