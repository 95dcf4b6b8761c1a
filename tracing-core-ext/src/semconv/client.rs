use std::{borrow::Cow, cell::RefCell, sync::Arc};

use opentelemetry::StringValue;

use super::{
    facts::Facts,
    labels::RequestLabels,
    names,
    options::AttributeOptions,
    rpc::{self, GrpcCall},
    server::push_method,
    span_attributes::{EarlyKey, EarlyValue, SpanAttributes},
};
use crate::{
    base::parse_cache::ParseCache,
    http::{ClientRequestHead, RequestHead, method::Method, route::RouteName, url},
    propagation::Headers,
};

/// Attributes of an outgoing request.
pub(crate) struct ClientAttributes<'a, H> {
    head: &'a ClientRequestHead<'a, H>,
    attribute_options: &'a AttributeOptions,
}

impl<'a, H: Headers> ClientAttributes<'a, H> {
    pub(crate) const fn new(
        head: &'a ClientRequestHead<'a, H>,
        attribute_options: &'a AttributeOptions,
    ) -> Self {
        Self { head, attribute_options }
    }

    /// Returns the labels of the request.
    pub(crate) fn labels(&self) -> RequestLabels {
        let method = Method::of(self.head.method);
        let template = self.head.template;
        RequestLabels {
            method: method.as_attribute(),
            scheme: None,
            server: self.head.host.map(|host| (shared(host), self.head.port)),
            template: template
                .and_then(|it| RouteName::of_template(method.as_span_name(), it).label()),
        }
    }

    /// Returns the request as a gRPC call, if it claims to be one.
    pub(crate) fn grpc_call(&self) -> Option<GrpcCall<'a>> {
        self.is_rpc().then(|| GrpcCall::new("", self.head.headers))
    }

    fn push(&self, facts: &mut Facts) -> Cow<'static, str> {
        let head = self.head;
        let method = Method::of(head.method);
        push_method(method, head.method, facts);
        let redacted = url::redact_url(head.url, &self.attribute_options.redacted_keys);
        facts.text(names::URL_FULL, &redacted);
        if let Some(host) = head.host {
            facts.text(names::SERVER_ADDRESS, host);
        }
        if let Some(port) = head.port {
            facts.int(names::SERVER_PORT, i64::from(port));
        }
        if head.resend_count > 0 {
            facts.int(names::HTTP_REQUEST_RESEND_COUNT, i64::from(head.resend_count));
        }
        let name = self.push_name(method.as_span_name(), facts);
        self.attribute_options.push_request(head, facts);
        name
    }

    /// Adds the template and returns the name: `{method} {template}`, or `{method}` without a template. A path would
    /// make a new name for every resource.
    fn push_name(&self, method: &'static str, facts: &mut Facts) -> Cow<'static, str> {
        let mut name = Cow::Borrowed(method);
        if let Some(template) = self.head.template {
            facts.text(names::URL_TEMPLATE, template);
            name = RouteName::of_template(method, template).name;
        }
        if self.is_rpc() {
            name = rpc::push_grpc_method(self.head.path(), facts).to_owned().into();
        }
        self.attribute_options.chosen_name(self.head).unwrap_or(name)
    }

    fn is_rpc(&self) -> bool {
        let content_type = || self.head.headers.values(&http::header::CONTENT_TYPE).next();
        self.head.method == "POST" && content_type().is_some_and(rpc::is_grpc)
    }
}

impl<H: Headers> SpanAttributes for ClientAttributes<'_, H> {
    fn describe(&self, facts: &mut Facts) -> Cow<'static, str> {
        self.attribute_options.with_limit(facts, |facts| self.push(facts))
    }

    fn early(&self, key: EarlyKey) -> EarlyValue<'_> {
        match key {
            EarlyKey::Method => {
                EarlyValue::Known(Method::of(self.head.method).as_attribute().into())
            }
            EarlyKey::Path | EarlyKey::Route => EarlyValue::Absent,
        }
    }
}

thread_local! {
    static HOSTS: RefCell<ParseCache<StringValue>> = const { ParseCache::new() };
}

/// Returns the host as shared text. It is cached, because a service calls few hosts.
fn shared(host: &str) -> StringValue {
    let share = |_: &[u8]| Arc::<str>::from(host).into();
    HOSTS.with_borrow_mut(|hosts| hosts.get_or_parse(host.as_bytes(), share))
}
