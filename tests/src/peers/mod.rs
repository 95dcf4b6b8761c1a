//! Callers of the application, and services that it calls.

mod ending;
mod raw_client;
mod raw_server;
mod websocket;

pub use self::{
    ending::Ending,
    raw_client::RawClient,
    raw_server::{AfterResponse, RawServer},
    websocket::WebSocket,
};
