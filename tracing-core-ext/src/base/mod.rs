//! Helpers without dependencies on other modules.

mod contain;
pub(crate) mod deferred_log;
pub(crate) mod error;
pub(crate) mod integer_fields;
pub(crate) mod parse_cache;
pub(crate) mod redacted_url;
pub(crate) mod self_log;
pub(crate) mod setup_fault;
pub(crate) mod sync;
pub(crate) mod text;

pub use self::contain::contained_panic_count;
pub(crate) use self::contain::{
    contain, contain_log_writer, contained_panics, observe_panic, panic_message,
};
