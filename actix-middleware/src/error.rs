//! Errors that actix-web converts into responses outside all middleware.

use std::{cell::Cell, error, fmt};

use actix_web::{
    Error, HttpResponse, ResponseError,
    body::{BodySize, BoxBody, MessageBody},
    http::StatusCode,
    http::header::HeaderMap,
};
use tracing_core_ext::exchange::Exchange;

/// Error whose response was created in the span of its request. Creating the response again would
/// repeat its side effects.
pub(crate) struct RespondedError {
    error: Error,
    response: Cell<Option<HttpResponse>>,
}

impl RespondedError {
    /// Creates the response of `error`, and passes its head and the size of its body to `on_response`.
    pub(crate) fn wrap(
        exchange: &mut Exchange,
        error: Error,
        on_response: impl FnOnce(&mut Exchange, StatusCode, BodySize, &mut HeaderMap),
    ) -> Error {
        let mut response = exchange.in_scope(|| error.error_response());
        set_reason(exchange, &error);
        let size = response.body().size();
        on_response(exchange, response.status(), size, response.headers_mut());
        Self { error, response: Cell::new(Some(response)) }.into()
    }
}

impl ResponseError for RespondedError {
    fn status_code(&self) -> StatusCode {
        self.error.as_response_error().status_code()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.response.take().unwrap_or_else(|| self.error.error_response())
    }
}

impl fmt::Display for RespondedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Debug for RespondedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

/// Sets the error of the exchange. Only a boxed error has sources, because a `ResponseError` has
/// none.
pub(crate) fn set_reason(exchange: &mut Exchange, error: &Error) {
    match error.as_error::<Box<dyn error::Error>>() {
        Some(boxed) => exchange.set_error(&**boxed),
        None => exchange.set_error_message(&format_args!("{error}")),
    }
}
