//! Messages of the protocols, and the responses to them.

pub(super) mod encode;
pub(super) mod grpc;
mod proto_json;
pub(super) mod response;
