use std::{
    net::SocketAddr,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use crate::{
    config::{control::Control, log_filter::LogFilter},
    export::prometheus::{ControlAccess, server::control::ControlRoutes},
    trace::TracerProvider,
};

/// Service whose settings requests may change.
#[derive(Debug)]
pub struct ControlledService {
    routes: ControlRoutes,
    control: Control,
    /// The setting applies while a filter of a layer is in use.
    _filter: LogFilter,
}

impl ControlledService {
    /// Creates a service with a log filter and a sampler.
    pub fn new(access: ControlAccess) -> Self {
        let filter = LogFilter::default();
        let in_use = filter.handle().filter();
        let control = Control::new(filter.handle(), &TracerProvider::builder().build());
        let routes = ControlRoutes::new(access);
        routes.set_control(&control);
        Self { routes, control, _filter: in_use }
    }

    /// Returns the response to a request from `peer`.
    pub fn respond(&self, peer: SocketAddr, request: Request<Bytes>) -> Response<Bytes> {
        let (head, body) = request.into_parts();
        let mut response = std::pin::pin!(self.routes.respond(peer, head, Full::new(body)));
        match response.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(response) => response,
            Poll::Pending => panic!("a complete body does not wait"),
        }
    }

    /// Returns the log filter and the sampler.
    pub fn settings(&self) -> [String; 2] {
        [self.control.log_filter(), self.control.sampler().to_string()]
    }
}
