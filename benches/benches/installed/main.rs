//! Costs of tracing as it is installed: log lines at `info`, spans exported over OTLP to another process, all threads counted.
//!
//! ```text
//! cargo bench -p benches --features measure --bench installed
//! cargo bench -p benches --features measure --bench installed -- --gate
//! cargo bench -p benches --features measure --bench installed -- --record
//! cargo bench -p benches --features measure --bench installed -- --save
//! ```
//!
//! The first prints instructions, processor time and the two figures that OpenTelemetry's specification defines for SDKs.
//! `--gate` counts the instructions of ours only and fails where a request costs over 3 % more than `installed.txt` has;
//! `--record` writes that file. `--save` writes the tables to the top of `RESULTS.md`.

mod counted;
mod process;
mod receiver;
mod service;

use std::{env, error::Error};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [receiver::OPTION, ..] => return receiver::run(),
        [service::OPTION, index, ..] => return service::run(index.parse()?).inspect_err(print),
        _ => {}
    }
    for installation in service::installations() {
        eprintln!("{installation}: {}", counted::instructions(installation)?);
    }
    Ok(())
}

/// Reports an error to the process that reads the output of this one.
fn print(error: &Box<dyn Error>) {
    println!("{error}");
}
