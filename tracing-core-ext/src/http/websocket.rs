use std::borrow::Cow;

use opentelemetry::{KeyValue, StringValue};

use super::{
    describe::{Describe, put},
    detail::Detail,
    route::RouteName,
    semconv,
};

/// An open WebSocket as its span.
pub(crate) struct WebSocketDescription<'a> {
    pub(crate) route: &'a str,
    pub(crate) detail: &'a Detail,
}

impl Describe for WebSocketDescription<'_> {
    fn before_sampling(&self, attributes: &mut Vec<KeyValue>) -> Cow<'static, str> {
        self.detail.limited(attributes, |attributes| {
            let named = RouteName::of("WebSocket", self.route);
            put(attributes, semconv::HTTP_ROUTE, StringValue::from(named.route));
            put(attributes, semconv::NETWORK_PROTOCOL_NAME, "websocket");
            named.name
        })
    }
}
