//! Instructions one request costs, counted by callgrind: the difference of two run lengths.
//!
//! ```text
//! cargo bench -p benches --features measure --bench instructions
//! ```
//!
//! Prints one table, and fails where a case is over its limit. With `-- --output-format=json` it prints what gungraun
//! counted instead.

mod counted;
mod limits;
mod report;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    if env::args().any(|argument| is_gungrauns(&argument)) {
        counted::run();
        return ExitCode::SUCCESS;
    }
    report::run()
}

/// gungraun starts this program once more for every benchmark; the report starts it for all of them.
fn is_gungrauns(argument: &str) -> bool {
    argument == "--gungraun-run" || argument == "--list" || argument == report::AS_JSON
}
