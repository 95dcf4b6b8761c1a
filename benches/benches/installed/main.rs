//! Costs of tracing as it is installed: log lines at `info`, spans exported over OTLP to another process, all threads counted.
//!
//! ```text
//! cargo bench -p benches --features measure --bench installed
//! cargo bench -p benches --features measure --bench installed -- --save
//! cargo bench -p benches --features measure --bench installed -- --gate
//! cargo bench -p benches --features measure --bench installed -- --record
//! ```
//!
//! The first measures instructions, processor time, and the figures that OpenTelemetry's
//! specification defines for SDKs, in seven minutes. `--save` also writes the tables to
//! `RESULTS.md`. `--gate` counts the instructions of this workspace, and fails if a request
//! requires over 3 % more than in `installed.txt`, on actix-web 3,000 instructions more. `--record`
//! writes that file.

mod instructions;
mod process;
mod processor;
mod receiver;
mod service;
mod specification;
mod table;
mod work;

use std::{env, error::Error, process::ExitCode};

use benches::{Recorded, machine, results};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Path of the recorded instructions per request.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/installed.txt");

fn main() -> Result<ExitCode> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [receiver::OPTION, ..] => receiver::run()?,
        [service::OPTION, index, work, ..] => service(index, work)?,
        ["--gate", ..] => return gate(false),
        ["--record", ..] => return gate(true),
        [option, ..] => measure(option == "--save")?,
        [] => measure(false)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the service of this process. It prints errors, because another process reads its output.
fn service(index: &str, work: &str) -> Result<()> {
    service::run(index, work).inspect_err(|error| println!("{error}"))
}

fn gate(is_recorded: bool) -> Result<ExitCode> {
    let costs = instructions::of_ours()?;
    if is_recorded {
        Recorded::write(FILE, &costs)?;
    }
    Ok(Recorded::read(FILE)?.check_with_noise(&costs, noise))
}

/// actix-web frees a block of 1,688 bytes for each request. Whether the allocator merges it with its
/// neighbours depends on the layout of the heap, and so on the environment and on paths.
fn noise(case: &str) -> i64 {
    if case.starts_with("actix-web") { 3_000 } else { 0 }
}

fn measure(is_saved: bool) -> Result<()> {
    let requests = table::requests(&instructions::of_all()?, &processor::times()?);
    let spans = table::specification(&specification::figures()?);
    println!("\n{requests}\n{spans}");
    if is_saved {
        let rivals = [table::AXUM_RIVAL, table::ACTIX_RIVAL, "opentelemetry-otlp"];
        let heading = machine::heading_with(results::INSTALLED, "installed", &rivals)?;
        results::save(results::INSTALLED, &format!("{heading}\n{requests}\n{spans}"))?;
    }
    Ok(())
}
