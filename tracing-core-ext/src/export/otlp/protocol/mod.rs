//! Messages of the protocols, and responses to them.

pub(super) mod encode;
pub(super) mod grpc;
mod proto_json;
pub(super) mod response;
