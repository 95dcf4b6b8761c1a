//! Date, machine and versions of a measurement.

use std::{
    error::Error,
    fs,
    process::{Command, Stdio},
    thread,
};

use crate::{Role, SUBJECTS};

const LOCK: &str = include_str!("../../../Cargo.lock");

/// Dependencies of this workspace whose versions are reported.
const FOUNDATIONS: [&str; 8] = [
    "actix-web",
    "axum",
    "opentelemetry",
    "opentelemetry_sdk",
    "reqwest",
    "reqwest-middleware",
    "tracing",
    "tracing-opentelemetry",
];

/// Returns the heading of a file of results, which a bench writes with `--save`.
///
/// # Errors
///
/// If `date` or `rustc` fails.
pub fn heading(title: &str, bench: &str) -> Result<String, Box<dyn Error>> {
    Ok(format!(
        "{}\n\
         tracing-actix-web and reqwest-tracing know OpenTelemetry up to 0.32 and are measured with its SDK of that version.\n",
        heading_with(title, bench, &rivals())?,
    ))
}

/// Returns the heading for a bench with these rivals.
///
/// # Errors
///
/// If `date` or `rustc` fails.
pub fn heading_with(title: &str, bench: &str, rivals: &[&str]) -> Result<String, Box<dyn Error>> {
    let date = output(Command::new("date").args(["--utc", "+%F"]))?;
    let rustc = output(Command::new("rustc").arg("--version"))?;
    let cores = thread::available_parallelism()?;
    Ok(format!(
        "# {title}\n\n\
         Written by `cargo bench -p benches --features measure --bench {bench} -- --save`.\n\n\
         - date: {}\n- machine: {}, {cores} cores\n- compiler: {}, fat LTO\n- rivals: {}\n- below: {}\n",
        date.trim(),
        processor(),
        rustc.trim(),
        versions(rivals),
        versions(&FOUNDATIONS),
    ))
}

/// Returns the standard output of a program. Its standard error is inherited.
///
/// # Errors
///
/// If the program does not start, fails, or prints invalid UTF-8.
pub fn output(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn processor() -> String {
    let description = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        description.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown".to_owned(), |(_, model)| model.to_owned())
}

fn rivals() -> Vec<&'static str> {
    let mut names: Vec<_> = SUBJECTS
        .iter()
        .filter(|subject| subject.role == Role::Rival)
        .map(|subject| subject.name)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn versions(names: &[&str]) -> String {
    names.iter().copied().flat_map(locked).collect::<Vec<_>>().join(", ")
}

/// Returns every version of a package in the lock file.
fn locked(name: &str) -> Vec<String> {
    let package = format!("name = \"{name}\"\nversion = \"");
    let versions = LOCK.split(&package).skip(1).filter_map(|rest| rest.split('"').next());
    versions.map(|version| format!("{name} {version}")).collect()
}
