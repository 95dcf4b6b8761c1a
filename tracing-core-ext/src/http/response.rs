/// Head of a response, borrowed from a framework or a client library.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ResponseHead<'a, H> {
    /// Status code.
    pub status: u16,
    /// Length of the body on the wire in bytes, if known.
    pub length: Option<u64>,
    /// Header fields.
    pub headers: &'a H,
}

impl<'a, H> ResponseHead<'a, H> {
    /// Creates the head of a response whose body has `length` bytes on the wire, if the length is
    /// known.
    pub const fn new(status: u16, length: Option<u64>, headers: &'a H) -> Self {
        Self { status, length, headers }
    }
}
