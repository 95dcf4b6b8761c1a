use std::borrow::Cow;

use super::{facts::Facts, names, options::AttributeOptions, span_attributes::SpanAttributes};
use crate::http::route::RouteName;

/// Attributes of an open WebSocket.
pub(crate) struct WebSocketAttributes<'a> {
    pub(crate) route: &'a str,
    pub(crate) attribute_options: &'a AttributeOptions,
}

impl SpanAttributes for WebSocketAttributes<'_> {
    fn describe(&self, facts: &mut Facts) -> Cow<'static, str> {
        self.attribute_options.with_limit(facts, |facts| {
            let named = RouteName::of("WebSocket", self.route);
            facts.cow(names::HTTP_ROUTE, named.route);
            facts.literal(names::NETWORK_PROTOCOL_NAME, "websocket");
            named.name
        })
    }
}
