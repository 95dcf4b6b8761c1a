use crate::config::env::words::Words;

/// Protocol of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Protocol {
    Grpc,
    #[default]
    HttpProtobuf,
    HttpJson,
}

/// Compression of the body of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Compression {
    /// No compression.
    #[default]
    None,
    /// Compression with gzip.
    Gzip,
}

pub(super) const PROTOCOLS: Words<Protocol> = Words {
    known: &[
        ("grpc", Protocol::Grpc),
        ("http/protobuf", Protocol::HttpProtobuf),
        ("http/json", Protocol::HttpJson),
    ],
    unsupported: &[],
};

pub(in crate::config) const COMPRESSIONS: Words<Compression> =
    Words { known: &[("gzip", Compression::Gzip), ("none", Compression::None)], unsupported: &[] };

impl Protocol {
    pub(crate) fn is_grpc(self) -> bool {
        self == Self::Grpc
    }

    pub(crate) fn as_str(self) -> &'static str {
        PROTOCOLS.name(self)
    }
}

impl Compression {
    pub(crate) fn as_str(self) -> &'static str {
        COMPRESSIONS.name(self)
    }
}
