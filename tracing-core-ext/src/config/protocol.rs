/// In which form a signal is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "only for OTLP"))]
pub(crate) enum Protocol {
    Grpc,
    HttpProtobuf,
    HttpJson,
}

/// How what is sent is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
#[cfg_attr(not(feature = "otlp"), allow(unreachable_pub, reason = "only for OTLP"))]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// With gzip.
    Gzip,
}

impl Protocol {
    pub(super) const EXPECTED: &str = "grpc, http/protobuf or http/json";

    pub(super) fn parse(value: &str) -> Option<Self> {
        match value {
            "grpc" => Some(Self::Grpc),
            "http/protobuf" => Some(Self::HttpProtobuf),
            "http/json" => Some(Self::HttpJson),
            _ => None,
        }
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn is_grpc(self) -> bool {
        self == Self::Grpc
    }
}

impl Compression {
    pub(super) const EXPECTED: &str = "gzip or none";

    pub(super) fn parse(value: &str) -> Option<Self> {
        match value {
            "gzip" => Some(Self::Gzip),
            "none" => Some(Self::None),
            _ => None,
        }
    }
}
