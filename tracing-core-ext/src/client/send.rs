use std::{future::poll_fn, pin::pin};

use http::HeaderMap;
use opentelemetry::Context;
use reqwest::{Body, Client, Request, Response, ResponseBuilderExt, Url};

use crate::{
    exchange::{ErrorType, Exchange, ExchangeBody, Instrumentation, Outcome},
    http::{ClientRequestHead, ProtocolVersion, ResponseHead},
};

/// Sends `request` below the context that is current now.
pub(super) fn send(
    client: Client,
    instrumentation: Instrumentation,
    mut request: Request,
) -> impl Future<Output = reqwest::Result<Response>> {
    let parent = Context::current();
    async move {
        let mut exchange = instrumentation.send(&parent, &head(&request));
        exchange.inject(request.headers_mut());
        let mut sending = pin!(client.execute(request));
        match poll_fn(|cx| exchange.in_scope(|| sending.as_mut().poll(cx))).await {
            Ok(response) => Ok(respond(exchange, response)),
            Err(error) => {
                exchange.finish(Outcome::Failed(error_type(&error)));
                Err(error)
            }
        }
    }
}

fn head(request: &Request) -> ClientRequestHead<'_, HeaderMap> {
    let url = request.url();
    ClientRequestHead {
        method: request.method().as_str(),
        url: url.as_str(),
        host: url.host_str().map(|host| host.trim_matches(['[', ']'])),
        port: url.port_or_known_default(),
        headers: request.headers(),
        template: None,
        resend_count: 0,
    }
}

/// `response` with a body that carries the exchange to its end.
fn respond(mut exchange: Exchange, response: Response) -> Response {
    exchange.received(ProtocolVersion::from_http(response.version()), response.remote_addr());
    exchange.respond(&ResponseHead {
        status: response.status().as_u16(),
        length: response.content_length(),
        headers: response.headers(),
    });
    let url = response.url().clone();
    with_url(
        http::Response::<Body>::from(response).map(|body| ExchangeBody::new(body, exchange)),
        url,
    )
}

/// A [`Response`] made from parts forgets its URL unless told.
fn with_url(response: http::Response<ExchangeBody<Body>>, url: Url) -> Response {
    let (mut parts, body) = response.into_parts();
    let (told, ()) = http::Response::builder().url(url).body(()).unwrap_or_default().into_parts();
    parts.extensions.extend(told.extensions);
    http::Response::from_parts(parts, Body::wrap(body)).into()
}

fn error_type(error: &reqwest::Error) -> ErrorType {
    if error.is_timeout() {
        ErrorType::Timeout
    } else if error.is_connect() {
        ErrorType::Connection
    } else if error.is_redirect() {
        ErrorType::Redirect
    } else {
        ErrorType::Request
    }
}
