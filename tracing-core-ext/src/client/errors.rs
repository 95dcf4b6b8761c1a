use std::error::Error;

use crate::exchange::{ClassifyBodyError, ErrorType, Exchange};

/// Errors of sending a request.
pub(super) trait SendError: Error {
    fn error_type(&self) -> ErrorType;
}

impl SendError for reqwest::Error {
    fn error_type(&self) -> ErrorType {
        if self.is_timeout() {
            ErrorType::Timeout
        } else if self.is_connect() {
            ErrorType::Connection
        } else if self.is_redirect() {
            ErrorType::Redirect
        } else {
            ErrorType::Request
        }
    }
}

/// Errors of the body of a response.
#[derive(Debug)]
pub(super) struct ReqwestBodyError;

impl ClassifyBodyError<reqwest::Error> for ReqwestBodyError {
    fn error_type(error: &reqwest::Error) -> ErrorType {
        if error.is_timeout() { ErrorType::Timeout } else { ErrorType::Body }
    }

    fn describe(error: &reqwest::Error, exchange: &mut Exchange) {
        exchange.set_error(error);
    }
}
