use std::{error::Error, sync::Arc};

/// The error that a handler has responded with, in the extensions of its response.
///
/// If the response is an error of the server (5xx), the error and its sources become the description of the span's
/// status and an `exception` event.
///
/// ```
/// use http::{Response, StatusCode};
/// use tracing_core_ext::exchange::HandlerError;
///
/// fn respond(error: std::io::Error) -> Response<String> {
///     let mut response = Response::new("try again later".to_owned());
///     *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
///     response.extensions_mut().insert(HandlerError::new(error));
///     response
/// }
/// # respond(std::io::Error::other("no stock"));
/// ```
#[derive(Clone, Debug)]
pub struct HandlerError(Arc<dyn Error + Send + Sync>);

impl HandlerError {
    /// Wraps `error` for the extensions of a response.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into().into())
    }

    /// Returns the error.
    pub fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}
