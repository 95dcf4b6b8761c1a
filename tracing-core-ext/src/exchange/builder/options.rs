use std::{borrow::Cow, fmt, mem};

use http::HeaderName;
use opentelemetry::trace::SpanContext;

use super::extras::{ExtraOptions, Extras};
use crate::exchange::outcome::ExchangeSummary;
use crate::{
    base::contain,
    http::{AllowedHosts, ClientRequestHead, RequestHead, RequestView},
    propagation::{HeadersMut, TraceParent},
    semconv::options::AttributeOptions,
};

/// Policy of a server for the trace context that its caller sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustPolicy {
    /// The trace continues, with the caller's sampling decision and baggage.
    #[default]
    Trust,
    /// A new trace starts, and its first span links to the caller's. Baggage is dropped.
    ///
    /// Use it at public edges: a caller then decides neither the sampling nor the baggage.
    LinkOnly,
    /// A new trace starts, as if the caller had sent nothing.
    Ignore,
}

/// Header field that identifies the trace of a request for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseHeader {
    /// `traceresponse`: W3C Trace Context, "Response header" (a draft), in the format of `traceparent`.
    TraceResponse,
    /// `Server-Timing` with a metric `traceparent`, which scripts of a page can read.
    ServerTiming,
}

static TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

impl ResponseHeader {
    /// Writes the field, unless the span is remote: the caller already has its own span.
    pub(crate) fn write<H: HeadersMut>(self, span: &SpanContext, headers: &mut H) {
        if span.is_remote() {
            return;
        }
        let Some(trace) = TraceParent::from_span_context(span) else { return };
        match self {
            Self::TraceResponse => headers.set(&TRACERESPONSE, &trace.to_bytes()),
            Self::ServerTiming => {
                let metric = format!("traceparent;desc=\"{trace}\"");
                headers.append(&SERVER_TIMING, metric.as_bytes());
            }
        }
    }
}

pub(crate) type FilterFn = dyn Fn(&RequestView<'_>) -> bool + Send + Sync;
pub(crate) type TrustFn = dyn Fn(&RequestView<'_>) -> TrustPolicy + Send + Sync;
pub(crate) type ErrorTypeFn = dyn Fn(ExchangeSummary) -> Option<Cow<'static, str>> + Send + Sync;

/// Options of a middleware or a client, as set in its builder.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) attribute_options: AttributeOptions,
    pub(crate) filter: Option<Box<FilterFn>>,
    pub(crate) policy: TrustPolicy,
    pub(crate) trust: Option<Box<TrustFn>>,
    pub(crate) error_type_fn: Option<Box<ErrorTypeFn>>,
    pub(crate) response_headers: Vec<ResponseHeader>,
    pub(crate) has_body_sizes: bool,
    pub(crate) has_server_label: bool,
    /// Whether a call that its caller drops before the response is an error.
    pub(crate) dropped_calls_are_errors: bool,
    pub(crate) allowed_hosts: Option<AllowedHosts>,
    pub(crate) max_redirects: Option<usize>,
    /// Whether a client sends the ID of the request in which it is called.
    pub(crate) sends_request_id: bool,
    pub(crate) extra_options: ExtraOptions,
    extras: Option<Box<Extras>>,
}

impl Options {
    /// Makes the options that most services do not set usable.
    pub(crate) fn resolve_extras(&mut self) {
        self.extras = mem::take(&mut self.extra_options).resolve();
    }

    /// Returns the options that most services do not set, if any is set.
    #[inline]
    pub(crate) fn extras(&self) -> Option<&Extras> {
        self.extras.as_deref()
    }

    /// Whether this request gets no span.
    #[inline]
    pub(crate) fn excludes(&self, head: &impl RequestHead) -> bool {
        let Some(filter) = &self.filter else { return false };
        contain("the option filter", || !filter(&RequestView::new(head))).unwrap_or(false)
    }

    /// Whether trace context may be sent to the host of this request.
    pub(crate) fn may_propagate_to<H>(&self, head: &ClientRequestHead<'_, H>) -> bool {
        self.allowed_hosts.as_ref().is_none_or(|hosts| hosts.allow(head.host, head.port))
    }

    /// Returns the policy for this caller. A caller that makes the closure panic is not trusted.
    #[inline]
    pub(crate) fn policy_for(&self, head: &impl RequestHead) -> TrustPolicy {
        let Some(trust) = &self.trust else { return self.policy };
        let policy = contain("the option trust_fn", || trust(&RequestView::new(head)));
        policy.unwrap_or(TrustPolicy::LinkOnly)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("attribute_options", &self.attribute_options)
            .field("policy", &self.policy)
            .field("response_headers", &self.response_headers)
            .field("has_body_sizes", &self.has_body_sizes)
            .field("allowed_hosts", &self.allowed_hosts)
            .field("extras", &self.extras)
            .finish_non_exhaustive()
    }
}
