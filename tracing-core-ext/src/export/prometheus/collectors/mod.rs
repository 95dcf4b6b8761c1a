//! Collectors of the process and of the runtime.

#[cfg(target_os = "linux")]
pub(crate) mod process;
pub(crate) mod runtime;
