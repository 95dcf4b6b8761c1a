//! The endpoint, and the listener and threads behind it.

pub(crate) mod endpoint;
pub(crate) mod listener;
pub(crate) mod responses;
pub(crate) mod scrape_server;
pub(crate) mod scrape_thread;
