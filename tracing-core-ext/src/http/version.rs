/// Version of HTTP in `network.protocol.version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolVersion {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
    /// HTTP/3
    Http3,
}

impl ProtocolVersion {
    /// Returns the version as text: `1.0`, `1.1`, `2` or `3`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
            Self::Http3 => "3",
        }
    }

    /// Converts a version of `http`. Returns `None` for a version without a name in the
    /// conventions, such as HTTP/0.9.
    pub const fn from_http(version: http::Version) -> Option<Self> {
        match version {
            http::Version::HTTP_10 => Some(Self::Http10),
            http::Version::HTTP_11 => Some(Self::Http11),
            http::Version::HTTP_2 => Some(Self::Http2),
            http::Version::HTTP_3 => Some(Self::Http3),
            _ => None,
        }
    }
}
