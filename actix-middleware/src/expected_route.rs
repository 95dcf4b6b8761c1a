//! Route of a request that ends without a response.

use std::{cell::OnceCell, rc::Rc};

use actix_web::{
    dev::{ResourceMap, ServiceRequest},
    http::{Method, Uri},
};
use tracing_core_ext::exchange::Exchange;

/// Resources of an application. Each worker has its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes(Rc<OnceCell<ResourceMap>>);

/// Path of a request and the resources by which its route is found.
///
/// A request that is cancelled or panics has no response that contains the matched resource. A
/// clone of the request cannot be kept, because routing requires the only reference to it.
#[derive(Debug)]
pub(crate) struct ExpectedRoute {
    method: Method,
    uri: Uri,
    routes: Routes,
}

impl Routes {
    /// Returns the expected route of `request`, if `exchange` has none.
    #[inline]
    pub(crate) fn expected(
        &self,
        exchange: &Exchange,
        request: &ServiceRequest,
    ) -> Option<ExpectedRoute> {
        if !exchange.needs_route() {
            return None;
        }
        self.0.get_or_init(|| request.resource_map().clone());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        Some(ExpectedRoute { method, uri, routes: self.clone() })
    }
}

impl ExpectedRoute {
    /// Sets the route of `exchange` to the pattern of the first resource that matches the path.
    #[cold]
    pub(crate) fn set(&self, exchange: &Exchange) {
        let route = self.routes.0.get().and_then(|routes| routes.match_pattern(self.uri.path()));
        if let Some(route) = route {
            exchange.set_route(self.method.as_str(), &route);
        }
    }
}
