//! Services of both frameworks, without a socket.

pub(crate) mod actix;
pub(crate) mod axum;
mod by_hand;
mod frames;
