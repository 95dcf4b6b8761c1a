//! Endpoint, with its listener and its threads.

pub(crate) mod control;
pub(crate) mod control_access;
pub(crate) mod endpoint;
pub(crate) mod listener;
pub(crate) mod responses;
pub(crate) mod scrape_server;
pub(crate) mod scrape_thread;
