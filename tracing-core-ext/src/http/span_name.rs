use std::borrow::Cow;

use opentelemetry::KeyValue;

use super::{describe::put, method::Method, route::RouteName, semconv};

/// `{method} {route}`, or `{method}` where no route is known; `HTTP` stands for a method that is not known.
#[derive(Clone, Debug)]
pub(crate) struct SpanName {
    pub(crate) name: Cow<'static, str>,
    pub(crate) route: Option<Cow<'static, str>>,
    method: Method,
}

impl SpanName {
    pub(crate) fn of(method: &str, route: Option<&str>) -> Self {
        let method = Method::of(method);
        match route.map(|route| RouteName::of(method.as_span_name(), route)) {
            Some(named) => Self { name: named.name, route: Some(named.route), method },
            None => Self { name: method.as_span_name().into(), route: None, method },
        }
    }

    /// The method, and how `original` was spelled where that tells more.
    pub(crate) fn put_method(&self, original: &str, add: &mut dyn FnMut(KeyValue)) {
        put(add, semconv::HTTP_REQUEST_METHOD, self.method.as_attribute());
        if self.method == Method::Other {
            put(add, semconv::HTTP_REQUEST_METHOD_ORIGINAL, original.to_owned());
        }
    }
}
