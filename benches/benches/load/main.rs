//! Servers on loopback under load: throughput and latency in ratios to the bare server, and memory.
//!
//! ```text
//! cargo bench -p benches --features measure --bench load
//! cargo bench -p benches --features measure --bench load -- --save
//! cargo bench -p benches --features measure --bench load -- --short
//! ```
//!
//! Every server has one thread and, if `taskset` finds two cores, a core of its own; `wrk` has
//! another one. The servers take turns, so that a disturbance affects all of them. The slowest
//! hundredth is meaningful only on an idle machine. `--save` also writes `LOAD.md`; `--short` takes
//! half a minute.

mod server;
mod table;
mod wrk;

use std::{
    env,
    error::Error,
    fs,
    net::{Ipv4Addr, TcpListener},
};

use benches::{Case, Framework, Mode, Role, cases, machine};
use server::Server;
use wrk::Turn;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/LOAD.md");

/// Number of turns of every server, each of one second.
const ROUNDS: usize = 21;

/// Number of turns with `--short`.
const FEW_ROUNDS: usize = 3;

/// Requests after which the memory of a server is read.
const REQUESTS: u64 = 1_000_000;

/// Results of one server.
struct Run {
    server: Server,
    turns: Vec<Turn>,
    /// Resident memory at the end, in KiB.
    memory: u64,
}

fn main() -> Result<()> {
    let mut arguments = env::args().skip_while(|argument| argument != server::OPTION);
    if let Some(index) = arguments.nth(1) {
        return serve(cases()[index.parse::<usize>()?]);
    }
    let is_asked = |option: &str| env::args().any(|argument| argument == option);
    let (rounds, requests) = if is_asked("--short") { (FEW_ROUNDS, 0) } else { (ROUNDS, REQUESTS) };
    let table = table::table(&runs(rounds, requests)?, requests);
    println!("\n{table}");
    if is_asked("--save") {
        let heading = machine::heading("What it costs under load", "load")?;
        fs::write(RESULTS, format!("{heading}\n{table}"))?;
    }
    Ok(())
}

/// Prints the port, and serves until the process is killed.
fn serve(case: Case) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    Ok(case.site().install().serve(listener)?)
}

fn runs(rounds: usize, requests: u64) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for (index, case) in cases().into_iter().enumerate().filter(|(_, case)| is_served(case)) {
        runs.push(Run { server: Server::start(index, case)?, turns: Vec::new(), memory: 0 });
    }
    for _ in 0..rounds {
        for run in &mut runs {
            run.turns.push(wrk::turn(&run.server)?);
        }
    }
    for run in &mut runs {
        let mut sent: u64 = run.turns.iter().map(|turn| turn.requests).sum();
        while sent < requests {
            sent += wrk::turn(&run.server)?.requests;
        }
        run.memory = run.server.memory()?;
    }
    Ok(runs)
}

fn is_served(case: &Case) -> bool {
    [Framework::Axum, Framework::Actix].contains(&case.subject.framework)
        && case.subject.role != Role::Reference
        && case.mode == Mode::Sampled
}
