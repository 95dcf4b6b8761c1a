use std::env;

use opentelemetry::{Array, KeyValue, StringValue, Value};

/// Version and description of the compiler, empty if the build script did not find it.
const RUSTC_VERSION: &str = env!("TRACING_CORE_EXT_RUSTC_VERSION");
const RUSTC: &str = env!("TRACING_CORE_EXT_RUSTC");

pub(super) fn attributes() -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("process.pid", i64::from(std::process::id())),
        KeyValue::new("process.runtime.name", "rust"),
    ];
    attributes.extend(executable_name().map(|name| KeyValue::new("process.executable.name", name)));
    let runtime =
        [("process.runtime.version", RUSTC_VERSION), ("process.runtime.description", RUSTC)];
    let known = runtime.into_iter().filter(|(_, value)| !value.is_empty());
    attributes.extend(known.map(|(key, value)| KeyValue::new(key, value)));
    attributes
}

/// Returns the command line.
pub(super) fn command() -> Vec<KeyValue> {
    let args: Vec<String> = env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let command = args.first().map(|command| KeyValue::new("process.command", command.clone()));
    let args = args.into_iter().map(StringValue::from).collect();
    let args = KeyValue::new("process.command_args", Value::Array(Array::String(args)));
    command.into_iter().chain([args]).collect()
}

/// Returns the file name of the program. Linux marks a file that was replaced.
fn executable_name() -> Option<String> {
    let path = env::current_exe().ok()?;
    let name = path.file_name()?.to_string_lossy();
    Some(name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned())
}
