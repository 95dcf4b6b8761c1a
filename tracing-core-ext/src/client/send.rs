use std::{future::poll_fn, mem, pin::pin};

use http::HeaderMap;
use opentelemetry::Context;
use reqwest::{Body, Request, Response, ResponseBuilderExt};

use super::{
    errors::{Failure, Reading},
    marks::{ResendCount, UrlTemplate},
};
use crate::{
    exchange::{CountedBody, Exchange, ExchangeBody, Instrumentation, Outcome},
    http::{ClientRequestHead, ProtocolVersion, ResponseHead},
};

/// What its caller says of a request that does not stand in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    pub(super) template: Option<UrlTemplate>,
    pub(super) resend_count: ResendCount,
}

/// The head of a response, and the exchange that goes on in its body.
pub(super) struct Answer {
    pub(super) response: Response,
    exchange: Exchange,
}

/// Sends `request` by `execute`, once, as an exchange below `parent`.
pub(super) async fn send<F, E>(
    instrumentation: &Instrumentation,
    parent: &Context,
    call: &Call,
    mut request: Request,
    execute: impl FnOnce(Request) -> F,
) -> Result<Answer, E>
where
    F: Future<Output = Result<Response, E>>,
    E: Failure,
{
    let mut exchange = instrumentation.send(parent, &head(&request, call));
    exchange.inject(request.headers_mut());
    measure(&mut request, &exchange);
    let mut sending = pin!(execute(request));
    match poll_fn(|cx| exchange.in_scope(|| sending.as_mut().poll(cx))).await {
        Ok(response) => Ok(Answer::new(response, exchange)),
        Err(error) => {
            exchange.finish(Outcome::Failed(error.error_type()));
            Err(error)
        }
    }
}

fn head<'a>(request: &'a Request, call: &'a Call) -> ClientRequestHead<'a, HeaderMap> {
    let url = request.url();
    ClientRequestHead {
        method: request.method().as_str(),
        url: url.as_str(),
        host: url.host_str().map(|host| host.trim_matches(['[', ']'])),
        port: url.port_or_known_default(),
        headers: request.headers(),
        template: call.template.as_ref().map(UrlTemplate::as_str),
        resend_count: call.resend_count.count(),
    }
}

/// A body in memory counts when it is sent, for wrapped it could not be sent again; a stream counts as it passes.
fn measure(request: &mut Request, exchange: &Exchange) {
    let (Some(size), Some(body)) = (exchange.request_size(), request.body_mut()) else { return };
    match body.as_bytes() {
        Some(bytes) => size.add(bytes.len() as u64),
        None => *body = Body::wrap(CountedBody::new(mem::take(body), size)),
    }
}

impl Answer {
    fn new(response: Response, mut exchange: Exchange) -> Self {
        exchange.received(ProtocolVersion::from_http(response.version()), response.remote_addr());
        exchange.respond(&ResponseHead {
            status: response.status().as_u16(),
            length: response.content_length(),
            headers: response.headers(),
        });
        Self { response, exchange }
    }

    /// The response, with a body that carries the exchange to its end.
    pub(super) fn into_response(self) -> Response {
        let Self { response, exchange } = self;
        // Made from parts, it forgets its URL unless told.
        let told = http::Response::builder().url(response.url().clone()).body(());
        let (mut parts, body) = http::Response::<Body>::from(response).into_parts();
        parts.extensions.extend(told.unwrap_or_default().into_parts().0.extensions);
        let body = ExchangeBody::<_, Reading>::classified(body, exchange);
        http::Response::from_parts(parts, Body::wrap(body)).into()
    }

    /// The head was all that is wanted.
    pub(super) fn finish(mut self) {
        self.exchange.finish(Outcome::Complete);
    }
}
