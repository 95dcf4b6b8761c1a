//! Responses of the endpoint.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

const TEXT: &str = "text/plain; charset=utf-8";

pub(crate) fn not_allowed() -> Response<Bytes> {
    let mut response = line(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are allowed");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

pub(crate) fn failed(reason: &str) -> Response<Bytes> {
    let text = format!("the metrics could not be gathered: {reason}");
    line(StatusCode::INTERNAL_SERVER_ERROR, &text)
}

pub(crate) fn line(status: StatusCode, text: &str) -> Response<Bytes> {
    body(status, TEXT, format!("{text}\n").into())
}

pub(crate) fn body(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let length = body.len();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    fields.insert(header::CONTENT_LENGTH, length.into());
    response
}
