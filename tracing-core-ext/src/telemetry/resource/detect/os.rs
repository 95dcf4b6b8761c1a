use std::env::consts::OS;

use opentelemetry::KeyValue;

use super::System;

pub(super) fn attributes(system: &System) -> Vec<KeyValue> {
    let release = ["/etc/os-release", "/usr/lib/os-release"];
    let release = release.iter().find_map(|path| system.text(path)).unwrap_or_default();
    let mut attributes = vec![KeyValue::new("os.type", os_type(OS))];
    for (key, field) in
        [("os.name", "NAME"), ("os.version", "VERSION_ID"), ("os.description", "PRETTY_NAME")]
    {
        attributes.extend(field_of(&release, field).map(|value| KeyValue::new(key, value)));
    }
    attributes
}

/// Returns a field of `os-release(5)`: assignments as in a shell, with or without quotes.
fn field_of(release: &str, name: &str) -> Option<String> {
    const MAX_LENGTH: usize = 256;
    let value =
        release.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    let value = value.trim();
    let unquoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    let value = unquoted('"').or_else(|| unquoted('\'')).unwrap_or(value);
    let is_valid = (1..=MAX_LENGTH).contains(&value.len()) && !value.contains(char::is_control);
    is_valid.then(|| value.to_owned())
}

/// Returns the name that the conventions have for this operating system.
fn os_type(rust: &'static str) -> &'static str {
    match rust {
        "macos" | "ios" => "darwin",
        "dragonfly" => "dragonflybsd",
        "illumos" => "solaris",
        other => other,
    }
}
