//! Messages of the protocols, and responses to them.

pub(crate) mod batch_encoder;
pub(super) mod encode;
pub(crate) mod grpc;
mod proto_json;
pub(crate) mod protobuf;
pub(crate) mod response;
pub(crate) mod strings;
