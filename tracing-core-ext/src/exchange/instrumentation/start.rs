//! Start of an exchange.

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanKind, TraceContextExt},
};

use super::Instrumentation;
use crate::exchange::{
    builder::{extras::Extras, options::TrustPolicy},
    exchange::Exchange,
    request_log::entry::LogEntry,
    state::shared_state::SharedState,
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
    trace::{ParentSource, SpanStart, Timer, boxed_link},
};

impl Instrumentation {
    /// Starts the exchange of an incoming request, below the span that its headers name.
    pub fn start_server<R: RequestHead>(&self, head: &R) -> Exchange {
        let _test = self.enter_test();
        match (self.options().extras(), self.metrics()) {
            (None, None) => self.start_server_with(head, |_, _| None),
            (None, Some(metrics)) => self.start_measured_server(head, metrics),
            (Some(extras), _) => self.start_extended_server(head, extras),
        }
    }

    /// Starts a measured exchange. It is not inlined, so that services without metrics skip its code.
    #[inline(never)]
    fn start_measured_server<R: RequestHead>(&self, head: &R, metrics: &Metrics) -> Exchange {
        self.start_server_with(head, |attributes, timer| {
            timer.start();
            Some(SharedState::measured(self.measure(metrics, attributes)))
        })
    }

    fn measure<R: RequestHead>(
        &self,
        metrics: &Metrics,
        attributes: &ServerAttributes<'_, R>,
    ) -> RequestMetrics {
        let labels = attributes.labels(self.options().has_server_label);
        RequestMetrics::server(metrics, labels, attributes.head().version())
    }

    /// Starts an exchange with options that most services do not set.
    #[inline(never)]
    fn start_extended_server<R: RequestHead>(&self, head: &R, extras: &Extras) -> Exchange {
        let (extracted, link) = self.remote_parent(head);
        let attribute_options = &self.options().attribute_options;
        let parent = &extras.context(extracted.into_context(), head, attribute_options);
        if self.options().excludes(head) {
            return Exchange::untraced(parent.clone(), head.method(), self.clone());
        }
        let exchange = self.start_server_below(head, parent, link, |attributes, timer| {
            let measured = self.metrics().map(|metrics| self.measure(metrics, attributes));
            if measured.is_some() || extras.request_log.is_some() {
                timer.start();
            }
            match &extras.request_log {
                Some(log) => {
                    let entry = LogEntry::new(attributes, log.has_query());
                    Some(SharedState::logged(entry, measured))
                }
                None => measured.map(SharedState::measured),
            }
        });
        if let Some(context) = exchange.context() {
            extras.describe(context, attribute_options);
        }
        exchange
    }

    #[inline(always)]
    fn start_server_with<R: RequestHead>(
        &self,
        head: &R,
        measure: impl FnOnce(&ServerAttributes<'_, R>, &mut Timer) -> Option<SharedState>,
    ) -> Exchange {
        let (extracted, link) = self.remote_parent(head);
        if self.options().excludes(head) {
            return Exchange::untraced(extracted.into_context(), head.method(), self.clone());
        }
        self.start_server_below(head, extracted, link, measure)
    }

    #[inline(always)]
    fn start_server_below<R: RequestHead>(
        &self,
        head: &R,
        parent: impl ParentSource,
        link: Option<Box<SpanContext>>,
        measure: impl FnOnce(&ServerAttributes<'_, R>, &mut Timer) -> Option<SharedState>,
    ) -> Exchange {
        let (tracer, options) = (self.tracer(), self.options());
        let mut timer = Timer::default();
        let attributes = ServerAttributes::new(head, &options.attribute_options);
        let measured = measure(&attributes, &mut timer);
        let kind = SpanKind::Server;
        let start = SpanStart { kind, timer: &mut timer, link, attributes: &attributes };
        let (started, tracing_span) =
            tracing_span::start_request(tracer, parent, start, head, &options.attribute_options);
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
        let _test = self.enter_test();
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
