//! Passes the version of the compiler to the resource attributes `process.runtime.*`.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let compiler = env::var_os("RUSTC").and_then(|rustc| {
        let output = Command::new(rustc).arg("--version").output().ok()?;
        String::from_utf8(output.stdout).ok()
    });
    // `rustc 1.95.0 (59807616e 2026-04-14)`
    let description = compiler.as_deref().unwrap_or_default().trim();
    let version = description.split(' ').nth(1).unwrap_or_default();
    println!("cargo::rustc-env=TRACING_CORE_EXT_RUSTC={description}");
    println!("cargo::rustc-env=TRACING_CORE_EXT_RUSTC_VERSION={version}");
}
