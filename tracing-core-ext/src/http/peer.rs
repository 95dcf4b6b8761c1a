use std::{net::SocketAddr, sync::Arc};

use opentelemetry::KeyValue;

use super::{describe::put, semconv};

/// Hands over the other end of the connection, and answers its address.
pub(crate) fn put_peer(peer: SocketAddr, add: &mut dyn FnMut(KeyValue)) -> Arc<str> {
    let address: Arc<str> = peer.ip().to_canonical().to_string().into();
    put(add, semconv::NETWORK_PEER_ADDRESS, Arc::clone(&address));
    put(add, semconv::NETWORK_PEER_PORT, i64::from(peer.port()));
    address
}
