//! Start of an exchange.

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanKind, TraceContextExt},
};

use super::Instrumentation;
use crate::exchange::{
    builder::options::TrustPolicy, exchange::Exchange, state::shared_state::SharedState,
};
use crate::{
    bridge::tracing_span,
    http::{ClientRequestHead, RequestHead},
    metrics::{instruments::Metrics, request::RequestMetrics},
    propagation::{Headers, extracted::Extracted},
    semconv::{
        client::ClientAttributes,
        server::{NameState, ServerAttributes},
    },
    trace::{SpanStart, Timer, boxed_link},
};

impl Instrumentation {
    /// Starts the exchange of an incoming request, below the span that its headers name.
    pub fn start_server<R: RequestHead>(&self, head: &R) -> Exchange {
        match self.metrics() {
            None => self.start_server_with(head, |_, _| None),
            Some(metrics) => self.start_measured_server(head, metrics),
        }
    }

    /// Starts a measured exchange. It is not inlined, so that services without metrics skip its code.
    #[inline(never)]
    fn start_measured_server<R: RequestHead>(&self, head: &R, metrics: &Metrics) -> Exchange {
        self.start_server_with(head, |attributes, timer| {
            timer.start();
            let labels = attributes.labels(self.options().has_server_label);
            Some(SharedState::measured(RequestMetrics::server(metrics, labels, head.version())))
        })
    }

    #[inline(always)]
    fn start_server_with<R: RequestHead>(
        &self,
        head: &R,
        measure: impl FnOnce(&ServerAttributes<'_, R>, &mut Timer) -> Option<SharedState>,
    ) -> Exchange {
        let (tracer, options) = (self.tracer(), self.options());
        let (extracted, link) = self.remote_parent(head);
        if options.excludes(head) {
            return Exchange::untraced(extracted.into_context(), head.method(), self.clone());
        }
        let mut timer = Timer::default();
        let attributes = ServerAttributes::new(head, &options.attribute_options);
        let measured = measure(&attributes, &mut timer);
        let kind = SpanKind::Server;
        let start = SpanStart { kind, timer: &mut timer, link, attributes: &attributes };
        let (started, tracing_span) =
            tracing_span::start_request(tracer, extracted, start, head, &options.attribute_options);
        let name_state = attributes.name_state();
        let shared = match measured {
            Some(shared) => {
                Some(shared.started(name_state, attributes.grpc_call(), attributes.route_label()))
            }
            None if started.is_recorded => {
                SharedState::if_needed(name_state, attributes.grpc_call(), options)
            }
            None => None,
        };
        Exchange::server(started, tracing_span, timer, head.method(), shared, self.clone())
    }

    /// Returns the parent context of an incoming request, and the context of a caller that is linked instead.
    #[inline(always)]
    fn remote_parent<'a, R: RequestHead>(
        &self,
        head: &'a R,
    ) -> (Extracted<'a, impl Headers + use<'a, R>>, Option<Box<SpanContext>>) {
        match self.options().policy_for(head) {
            TrustPolicy::Trust => (self.propagator().extract_lazy(head.headers()), None),
            TrustPolicy::LinkOnly => (Extracted::empty(), self.caller_link(head.headers())),
            TrustPolicy::Ignore => (Extracted::empty(), None),
        }
    }

    #[cold]
    fn caller_link(&self, headers: &impl Headers) -> Option<Box<SpanContext>> {
        let caller = self.propagator().extract(headers);
        boxed_link(caller.span().span_context())
    }

    /// Starts the exchange of an outgoing request, below `parent`. Call [`inject`](Exchange::inject) next.
    pub fn start_client<H: Headers>(
        &self,
        parent: &Context,
        head: &ClientRequestHead<'_, H>,
    ) -> Exchange {
        let mut exchange = self.start_client_span(parent, head);
        if !self.options().may_propagate_to(head) {
            exchange.skip_injection();
        }
        exchange
    }

    fn start_client_span<H: Headers>(
        &self,
        parent: &Context,
        head: &ClientRequestHead<'_, H>,
    ) -> Exchange {
        let (tracer, options) = (self.tracer(), self.options());
        if options.excludes(head) {
            return Exchange::untraced(parent.clone(), head.method, self.clone());
        }
        let mut timer = Timer::default();
        let attributes = &ClientAttributes::new(head, &options.attribute_options);
        let measured = self.metrics().map(|metrics| {
            timer.start();
            SharedState::measured(RequestMetrics::client(metrics, attributes.labels()))
        });
        let start = SpanStart { kind: SpanKind::Client, timer: &mut timer, link: None, attributes };
        let started = tracer.start(parent, start);
        let shared = match measured {
            Some(shared) => Some(shared.started(NameState::COMPLETE, attributes.grpc_call(), None)),
            None if started.is_recorded => {
                SharedState::if_needed(NameState::COMPLETE, attributes.grpc_call(), options)
            }
            None => None,
        };
        Exchange::client(started, timer, head.method, shared, self.clone())
    }
}
