/// Head of a response, borrowed from a framework or a client library.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a, H> {
    /// Status code.
    pub status: u16,
    /// Length of the body on the wire in bytes, where it is known.
    pub length: Option<u64>,
    /// Header fields.
    pub headers: &'a H,
}
