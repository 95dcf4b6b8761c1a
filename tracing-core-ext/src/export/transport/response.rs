use std::{error::Error, io, time::SystemTime};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, StatusCode,
    header::{DATE, RETRY_AFTER},
};
use http_body::Frame;
use http_body_util::BodyExt;
use reqwest::RequestBuilder;

use super::retry::{ExportError, retry_after};
use crate::export::console::waterfall::text::safe;

const MAX_RESPONSE_BYTES: usize = 1 << 20;
const MAX_QUOTED_CHARS: usize = 200;

/// A response, with as much of its body as was received.
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
    /// Error that has truncated the body. Over HTTP the head of the response already has the
    /// result.
    pub(crate) truncated: Option<ExportError>,
}

impl HttpResponse {
    /// Sends a request, and returns the response.
    pub(crate) async fn send(request: RequestBuilder) -> Result<Self, ExportError> {
        let response = request.send().await.map_err(|error| send_failure(&error))?;
        let (head, mut body) = http::Response::from(response).into_parts();
        let mut kept = BytesMut::new();
        let (mut trailers, mut truncated) = (HeaderMap::new(), None);
        while let Some(frame) = body.frame().await {
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) if kept.len() + data.len() > MAX_RESPONSE_BYTES => break,
                Ok(Ok(data)) => kept.extend_from_slice(&data),
                Ok(Err(frame)) => trailers = frame.into_trailers().unwrap_or_default(),
                Err(error) => {
                    truncated = Some(send_failure(&error));
                    break;
                }
            }
        }
        let http::response::Parts { status, headers, .. } = head;
        Ok(Self { status, headers, body: kept.freeze(), trailers, truncated })
    }

    /// Returns the failure that this response reports. "The client SHOULD retry" these, "the client
    /// MUST NOT retry" others: OTLP specification, "Retryable Response Codes". `message` is taken
    /// from the body.
    pub(crate) fn failure(&self, message: Option<&str>) -> ExportError {
        let reason = self.reason(message);
        match self.status.as_u16() {
            413 => ExportError::TooLarge(reason),
            429 | 502..=504 => {
                let after = self.headers.get(RETRY_AFTER);
                let wait = after.and_then(|after| retry_after(after, self.date()));
                ExportError::Retryable { reason, wait }
            }
            _ => ExportError::Permanent(reason),
        }
    }

    /// Returns the time of the response, by the clock of the backend if it sends one.
    fn date(&self) -> SystemTime {
        let date = self.headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        date.unwrap_or_else(SystemTime::now)
    }

    fn reason(&self, message: Option<&str>) -> String {
        let name = self.status.canonical_reason().map_or(String::new(), |name| format!(" {name}"));
        let message = message.map(printable).filter(|message| !message.is_empty());
        let message = message.map_or(String::new(), |message| format!(": {message}"));
        format!("HTTP {}{name}{message}", self.status.as_str())
    }
}

/// Returns the failure of a request without a response. A TLS handshake that was refused is not
/// retried.
fn send_failure(error: &reqwest::Error) -> ExportError {
    let cause = root_cause(error);
    let reason = printable(&explain(&cause.to_string()));
    match error.is_builder() || is_of_tls(cause) {
        true => ExportError::Permanent(reason),
        false => ExportError::Retryable { reason, wait: None },
    }
}

/// Explains errors of rustls about certificates, and of h2 about responses in HTTP/1.
fn explain(cause: &str) -> String {
    if let Some(why) = cause.strip_prefix("invalid peer certificate: ") {
        return format!("certificate not trusted: {why}");
    }
    match cause.contains("frame with invalid size") {
        true => format!("not an HTTP/2 response: is this a port for gRPC? ({cause})"),
        false => cause.to_owned(),
    }
}

/// Whether an error has the kind of tokio-rustls. The `io::Error` around it returns a `source()`
/// that skips it.
fn is_of_tls(cause: &(dyn Error + 'static)) -> bool {
    let Some(error) = cause.downcast_ref::<io::Error>() else {
        return false;
    };
    error.kind() == io::ErrorKind::InvalidData
        || error.get_ref().is_some_and(|inner| is_of_tls(inner))
}

/// Returns the innermost error. The outer ones repeat the URL, which may contain credentials.
pub(crate) fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}

/// Returns text from the network as one short line.
pub(crate) fn printable(message: &str) -> String {
    safe(message.trim(), MAX_QUOTED_CHARS)
}
