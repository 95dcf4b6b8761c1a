use std::{borrow::Cow, cell::RefCell, sync::Arc};

use opentelemetry::{KeyValue, StringValue};

use super::{
    labels::RequestLabels,
    names,
    options::Detail,
    rpc,
    span_attributes::{Describe, put},
};
use crate::{
    base::parse_cache::Recent,
    http::{ClientRequestHead, RequestHead, RequestView, method::Method, route::RouteName, url},
    propagation::Headers,
};

/// An outgoing request as its span.
pub(crate) struct ClientDescription<'a, H> {
    head: &'a ClientRequestHead<'a, H>,
    detail: &'a Detail,
}

impl<'a, H: Headers> ClientDescription<'a, H> {
    pub(crate) const fn new(head: &'a ClientRequestHead<'a, H>, detail: &'a Detail) -> Self {
        Self { head, detail }
    }

    /// Labels of the request.
    pub(crate) fn labels(&self) -> RequestLabels {
        let method = Method::of(self.head.method);
        let template = self.head.template;
        RequestLabels {
            method: method.as_attribute(),
            scheme: None,
            server: self.head.host.map(|host| (shared(host), self.head.port)),
            template: template.and_then(|it| RouteName::of(method.as_span_name(), it).label()),
        }
    }

    fn put_before_sampling(&self, attributes: &mut Vec<KeyValue>) -> Cow<'static, str> {
        let head = self.head;
        let method = Method::of(head.method);
        method.put(head.method, attributes);
        let redacted = url::redact_url(head.url, &self.detail.redacted_keys);
        put(attributes, names::URL_FULL, redacted.into_owned());
        if let Some(host) = head.host {
            put(attributes, names::SERVER_ADDRESS, shared(host));
        }
        if let Some(port) = head.port {
            put(attributes, names::SERVER_PORT, i64::from(port));
        }
        if head.resend_count > 0 {
            put(attributes, names::HTTP_REQUEST_RESEND_COUNT, i64::from(head.resend_count));
        }
        self.put_name(method.as_span_name(), attributes)
    }

    /// The name is `{method} {template}`, or `{method}`: a path would make a name of every resource.
    fn put_name(&self, method: &'static str, attributes: &mut Vec<KeyValue>) -> Cow<'static, str> {
        let mut name = Cow::Borrowed(method);
        if let Some(template) = self.head.template {
            put(attributes, names::URL_TEMPLATE, template.to_owned());
            name = RouteName::of(method, template).name;
        }
        if self.is_rpc() {
            name = rpc::put_call(self.head.path(), attributes).to_owned().into();
        }
        let name_of = self.detail.name_of.as_ref();
        name_of.and_then(|name_of| name_of(&RequestView::new(self.head))).unwrap_or(name)
    }

    fn is_rpc(&self) -> bool {
        let content_type = || self.head.headers.values(&http::header::CONTENT_TYPE).next();
        self.head.method == "POST" && content_type().is_some_and(rpc::is_grpc)
    }
}

impl<H: Headers> Describe for ClientDescription<'_, H> {
    fn before_sampling(&self, attributes: &mut Vec<KeyValue>) -> Cow<'static, str> {
        self.detail.limited(attributes, |attributes| self.put_before_sampling(attributes))
    }

    fn when_recorded(&self, attributes: &mut Vec<KeyValue>) {
        self.detail
            .limited(attributes, |attributes| self.detail.put_request(self.head, attributes));
    }
}

thread_local! {
    static HOSTS: RefCell<Recent<StringValue>> = const { Recent::new() };
}

/// A service calls few others.
fn shared(host: &str) -> StringValue {
    let share = |_: &[u8]| Arc::<str>::from(host).into();
    HOSTS.with_borrow_mut(|hosts| hosts.recall(host.as_bytes(), share))
}
