use std::borrow::Cow;

use opentelemetry::{KeyValue, StringValue};

use super::{
    names,
    options::Detail,
    span_attributes::{Describe, put},
};
use crate::http::route::RouteName;

/// An open WebSocket as its span.
pub(crate) struct WebSocketDescription<'a> {
    pub(crate) route: &'a str,
    pub(crate) detail: &'a Detail,
}

impl Describe for WebSocketDescription<'_> {
    fn before_sampling(&self, attributes: &mut Vec<KeyValue>) -> Cow<'static, str> {
        self.detail.limited(attributes, |attributes| {
            let named = RouteName::of("WebSocket", self.route);
            put(attributes, names::HTTP_ROUTE, StringValue::from(named.route));
            put(attributes, names::NETWORK_PROTOCOL_NAME, "websocket");
            named.name
        })
    }
}
