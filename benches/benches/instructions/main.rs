//! Instructions per request, counted by callgrind: the difference of two run lengths.
//!
//! ```text
//! cargo bench -p benches --features measure --bench instructions
//! cargo bench -p benches --features measure --bench instructions -- --record
//! cargo bench -p benches --features measure --bench instructions -- --costs
//! ```
//!
//! The first counts the cases of this workspace, and fails if one requires over 3 % more than in
//! `instructions.txt`. The second writes that file, and the costs of samplers into `RESULTS.md`. The third counts all cases, including other
//! crates, and prints JSON.

mod counted;
mod report;
mod samplers;

use std::{env, process::ExitCode};

use benches::{Recorded, results};
use counted::Selection;
use report::Result;

/// Path of the recorded instructions per request.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");

fn main() -> ExitCode {
    if env::args().any(|argument| is_gungrauns(&argument)) {
        counted::run();
        return ExitCode::SUCCESS;
    }
    run().unwrap_or_else(|error| {
        eprintln!("nothing counted: {error}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let is_asked = |option: &str| env::args().any(|argument| argument == option);
    if is_asked("--costs") {
        report::print_json(&report::count(Selection::Everything)?);
        return Ok(ExitCode::SUCCESS);
    }
    let costs = report::limited(&report::count(Selection::Ours)?);
    if is_asked("--record") {
        Recorded::write(FILE, &costs)?;
        results::save(results::SAMPLERS, &samplers::section(&costs))?;
    }
    Ok(Recorded::read(FILE)?.check(&costs))
}

/// Whether gungraun has started this program. It does so for every benchmark, and the report once
/// for all of them.
fn is_gungrauns(argument: &str) -> bool {
    argument == "--gungraun-run" || argument == "--list" || argument == report::AS_JSON
}
