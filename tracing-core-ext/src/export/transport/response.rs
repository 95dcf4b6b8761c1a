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

/// A response, as far as it could be read.
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
    /// Reason why the body has no end. The head of a response over HTTP already has the result.
    pub(crate) truncated: Option<ExportError>,
}

impl HttpResponse {
    /// What is answered to a request.
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

    /// "The client SHOULD retry" these, "the client MUST NOT retry" others: OTLP specification, "Retryable Response Codes".
    /// The message is what the body says of it.
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

    /// Time of the response, by the clock of the backend if it sends one.
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

/// Why there is no response. What a handshake refuses once it will refuse again.
fn send_failure(error: &reqwest::Error) -> ExportError {
    let cause = root_cause(error);
    let reason = printable(&explain(&cause.to_string()));
    match error.is_builder() || is_of_tls(cause) {
        true => ExportError::Permanent(reason),
        false => ExportError::Retryable { reason, wait: None },
    }
}

/// Says in the words of who sends what rustls says of a certificate, and h2 of an answer in HTTP/1.
fn explain(cause: &str) -> String {
    if let Some(why) = cause.strip_prefix("invalid peer certificate: ") {
        return format!("certificate not trusted: {why}");
    }
    match cause.contains("frame with invalid size") {
        true => format!("the answer is not one of HTTP/2, is this a port for gRPC? ({cause})"),
        false => cause.to_owned(),
    }
}

/// The kind tokio-rustls gives its errors; around them there is another one, of which they are no source.
fn is_of_tls(cause: &(dyn Error + 'static)) -> bool {
    let Some(error) = cause.downcast_ref::<io::Error>() else {
        return false;
    };
    error.kind() == io::ErrorKind::InvalidData
        || error.get_ref().is_some_and(|inner| is_of_tls(inner))
}

/// The innermost error: the outer ones repeat the URL, which may carry credentials.
pub(crate) fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}

/// What others say, in one short line.
pub(crate) fn printable(message: &str) -> String {
    safe(message.trim(), MAX_QUOTED_CHARS)
}
