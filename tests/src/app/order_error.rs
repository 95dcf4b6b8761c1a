use std::{error::Error, fmt, io};

/// An error with a source.
#[derive(Debug)]
pub struct OrderError(io::Error);

impl Default for OrderError {
    fn default() -> Self {
        Self(io::Error::other("no stock"))
    }
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the order failed")
    }
}

impl Error for OrderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
