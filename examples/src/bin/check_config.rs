//! Checks configuration files of OpenTelemetry, and starts nothing.
//!
//! ```sh
//! cargo run --bin check_config -- deploy/configuration/otel.yaml
//! ```
//!
//! Prints each warning with line and path. The exit status is 1 if a file cannot be used.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use tracing_core_ext::telemetry::Telemetry;

/// Checks configuration files of OpenTelemetry.
#[derive(Parser)]
struct Options {
    /// Treat warnings as errors.
    #[arg(long)]
    strict: bool,
    /// Configuration files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let Options { strict, files } = Options::parse();
    let mut status = ExitCode::SUCCESS;
    for file in files {
        let telemetry = Telemetry::builder().package_name("checked").strict(strict);
        match telemetry.config_file(&file).check() {
            Ok(warnings) if warnings.is_empty() => println!("{}: valid", file.display()),
            Ok(warnings) => warnings.iter().for_each(|warning| println!("{warning}")),
            Err(error) => {
                println!("error: {error}");
                status = ExitCode::FAILURE;
            }
        }
    }
    status
}
