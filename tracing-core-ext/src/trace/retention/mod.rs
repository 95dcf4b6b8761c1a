//! Decisions at the end of a request: this service's part of a trace waits until its local root has ended.
//!
//! A trace waits if its head sampler drops it and a [`Retention`] may keep it, or if a rule by route cannot be compared
//! at the start. Its spans are recorded. The sampled flag that is sent to other services is that of the head sampler,
//! because it cannot be changed later.

pub(crate) mod held_span;
pub(crate) mod held_trace;
pub(crate) mod held_traces;
pub(crate) mod policy;
#[cfg(test)]
mod tests;

pub use self::policy::Retention;
