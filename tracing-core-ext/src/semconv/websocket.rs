use std::borrow::Cow;

use opentelemetry::{KeyValue, StringValue};

use super::{
    names,
    options::AttributeOptions,
    span_attributes::{SpanAttributes, push},
};
use crate::http::route::RouteName;

/// An open WebSocket as its span.
pub(crate) struct WebSocketAttributes<'a> {
    pub(crate) route: &'a str,
    pub(crate) attribute_options: &'a AttributeOptions,
}

impl SpanAttributes for WebSocketAttributes<'_> {
    fn sampling_attributes(&self, attributes: &mut Vec<KeyValue>) -> Cow<'static, str> {
        self.attribute_options.with_limit(attributes, |attributes| {
            let named = RouteName::of("WebSocket", self.route);
            push(attributes, names::HTTP_ROUTE, StringValue::from(named.route));
            push(attributes, names::NETWORK_PROTOCOL_NAME, "websocket");
            named.name
        })
    }
}
