#[cfg(feature = "telemetry")]
use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};
use std::{fmt, sync::Arc};

#[cfg(any(feature = "otlp", feature = "prometheus"))]
use opentelemetry::metrics::MeterProvider;
use opentelemetry::{
    Context, InstrumentationScope, global,
    metrics::Meter,
    trace::{SpanContext, SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use tracing::Span;

use super::{
    exchange::Exchange,
    options::{Options, TrustPolicy},
    sampler::{Fate, Foresight},
    shared_state::SharedState,
    start::{Start, StartSpan, Started, Starter, link_to},
};
use crate::{
    bridge::tracing_span,
    http::{ClientRequestHead, RequestHead},
    metrics::{instruments::Metrics, request::RequestMetrics},
    propagation::{Headers, Propagator, extracted::Extracted},
    semconv::{
        client::ClientAttributes,
        server::{NameState, ServerAttributes},
    },
    trace::timer::Timer,
};

/// What a middleware or a client resolved when it was built: tracer, propagator and options. Cheap to clone.
#[derive(Clone)]
pub struct Instrumentation {
    inner: Arc<Inner>,
}

struct Inner {
    tracer: Arc<dyn StartSpan>,
    propagator: Propagator,
    metrics: Option<Metrics>,
    options: Options,
}

impl Instrumentation {
    pub(super) fn new(
        tracer: Arc<dyn StartSpan>,
        propagator: Propagator,
        metrics: Option<Metrics>,
        options: Options,
    ) -> Self {
        #[cfg(feature = "telemetry")]
        MIDDLEWARE_BUILT.store(true, Ordering::Relaxed);
        Self { inner: Arc::new(Inner { tracer, propagator, metrics, options }) }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(super) fn tracer(&self) -> &dyn StartSpan {
        &*self.inner.tracer
    }

    pub(super) fn propagator(&self) -> &Propagator {
        &self.inner.propagator
    }

    /// Starts the exchange of an incoming request, below the span its headers name.
    pub fn start_server<R: RequestHead>(&self, head: &R) -> Exchange {
        match &self.inner.metrics {
            None => self.start_server_with(head, |_, _| None),
            Some(metrics) => self.start_measured_server(head, metrics),
        }
    }

    /// Out of the way of those who measure nothing.
    #[inline(never)]
    fn start_measured_server<R: RequestHead>(&self, head: &R, metrics: &Metrics) -> Exchange {
        self.start_server_with(head, |description, clock| {
            clock.start();
            let labels = description.labels(self.options().has_server_label);
            Some(SharedState::measured(RequestMetrics::server(metrics, labels, head.version())))
        })
    }

    #[inline(always)]
    fn start_server_with<R: RequestHead>(
        &self,
        head: &R,
        measure: impl FnOnce(&ServerAttributes<'_, R>, &mut Timer) -> Option<SharedState>,
    ) -> Exchange {
        let Inner { tracer, options, .. } = &*self.inner;
        let (extracted, link) = self.remote_parent(head);
        if options.excludes(head) {
            return Exchange::untraced(extracted.into_context(), head.method(), self.clone());
        }
        let mut clock = Timer::default();
        let description = ServerAttributes::new(head, &options.attribute_options);
        let measured = measure(&description, &mut clock);
        let tracing_span = tracing_span::span(head, &options.attribute_options);
        let kind = SpanKind::Server;
        let start = Start { kind, clock: &mut clock, link, description: &description };
        let started = start_server_span(extracted, start, &tracing_span, &**tracer);
        let name_state = description.name_state();
        let shared = match measured {
            Some(shared) => {
                Some(shared.started(name_state, description.grpc_path(), description.route_label()))
            }
            None if started.is_recorded => {
                SharedState::if_needed(name_state, description.grpc_path(), options)
            }
            None => None,
        };
        Exchange::server(started, tracing_span, clock, head.method(), shared, self.clone())
    }

    /// What an incoming request is served below, and a caller that is not its parent.
    #[inline(always)]
    fn remote_parent<'a, R: RequestHead>(
        &self,
        head: &'a R,
    ) -> (Extracted<'a, impl Headers + use<'a, R>>, Option<Box<SpanContext>>) {
        match self.options().policy_for(head) {
            TrustPolicy::Trust => (self.inner.propagator.extract_lazy(head.headers()), None),
            TrustPolicy::LinkOnly => (Extracted::empty(), self.caller_link(head.headers())),
            TrustPolicy::Ignore => (Extracted::empty(), None),
        }
    }

    #[cold]
    fn caller_link(&self, headers: &impl Headers) -> Option<Box<SpanContext>> {
        let caller = self.inner.propagator.extract(headers);
        link_to(caller.span().span_context())
    }

    /// Starts the exchange of an outgoing request, below `parent`. [`inject`](Exchange::inject) comes next.
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
        let Inner { tracer, options, .. } = &*self.inner;
        if options.excludes(head) {
            return Exchange::untraced(parent.clone(), head.method, self.clone());
        }
        let mut clock = Timer::default();
        let description = &ClientAttributes::new(head, &options.attribute_options);
        let measured = self.inner.metrics.as_ref().map(|metrics| {
            clock.start();
            SharedState::measured(RequestMetrics::client(metrics, description.labels()))
        });
        let start = Start { kind: SpanKind::Client, clock: &mut clock, link: None, description };
        let started = tracer.start(start, parent);
        let shared = match measured {
            Some(shared) => Some(shared.started(NameState::COMPLETE, None, None)),
            None if started.is_recorded => {
                SharedState::if_needed(NameState::COMPLETE, None, options)
            }
            None => None,
        };
        Exchange::client(started, clock, head.method, shared, self.clone())
    }
}

/// Starts the span of an incoming request, unless `tracing_span` has become that.
#[inline(always)]
fn start_server_span<H: Headers>(
    extracted: Extracted<'_, H>,
    mut start: Start<'_>,
    tracing_span: &Span,
    tracer: &dyn StartSpan,
) -> Started {
    let is_capturable = tracing_span::may_be_exported_by_other_layer(tracing_span);
    match tracer.fate(extracted.parent()) {
        Fate::Identity(trace_id, span_id) if !is_capturable => {
            Started::unrecorded(extracted.into_non_recording(trace_id, span_id))
        }
        Fate::Absent if !is_capturable => Started::unrecorded(extracted.into_context()),
        Fate::Lean(lean, trace_id, span_id) if !is_capturable => {
            let context = extracted.into_recording(trace_id, span_id, |cx, identity, parent| {
                lean.start(start, cx, identity, parent)
            });
            Started::recorded(context)
        }
        _ => {
            let parent = extracted.into_context();
            let captured = is_capturable
                .then(|| tracing_span::reuse_layer_span(tracing_span, &mut start, &parent));
            captured.flatten().unwrap_or_else(|| tracer.start(start, &parent))
        }
    }
}

impl fmt::Debug for Instrumentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumentation")
            .field("propagator", &self.inner.propagator)
            .field("options", self.options())
            .finish_non_exhaustive()
    }
}

/// Makes tracers for a scope.
#[cfg(feature = "telemetry")]
type TracerFactory = Box<dyn Fn(InstrumentationScope) -> Arc<dyn StartSpan> + Send + Sync>;

#[cfg(feature = "telemetry")]
static INSTALLED: OnceLock<TracerFactory> = OnceLock::new();

/// Whether there is any instrumentation, and whether there was some before telemetry was installed that needed it.
#[cfg(feature = "telemetry")]
static MIDDLEWARE_BUILT: AtomicBool = AtomicBool::new(false);
#[cfg(feature = "telemetry")]
static BUILT_BEFORE_INSTALL: AtomicBool = AtomicBool::new(false);

#[cfg(feature = "telemetry")]
pub(crate) fn is_middleware_built() -> bool {
    MIDDLEWARE_BUILT.load(Ordering::Relaxed)
}

#[cfg(feature = "telemetry")]
pub(crate) fn built_before_install() -> bool {
    BUILT_BEFORE_INSTALL.load(Ordering::Relaxed)
}

#[cfg(any(feature = "otlp", feature = "prometheus"))]
static METERS: OnceLock<Box<dyn MeterProvider + Send + Sync>> = OnceLock::new();

/// Makes `provider` the one builders fall back on.
///
/// It is the global one as well, but what OpenTelemetry hands out as that boxes every span once more and does not tell
/// which sampler it has.
#[cfg(feature = "telemetry")]
pub(crate) fn set_global_tracer_provider<P>(provider: P)
where
    P: TracerProvider + fmt::Debug + Send + Sync + 'static,
    P::Tracer: Send + Sync + 'static,
    <P::Tracer as Tracer>::Span: Send + Sync + 'static,
{
    INSTALLED.get_or_init(|| Box::new(move |scope| tracer_for(&provider, &scope)));
}

/// Makes `provider` the one whose meters builders fall back on. What OpenTelemetry hands out as global may be a provider that
/// drops everything, which would cost as much as one that does not.
#[cfg(any(feature = "otlp", feature = "prometheus"))]
pub(crate) fn set_global_meter_provider(provider: impl MeterProvider + Send + Sync + 'static) {
    METERS.get_or_init(|| Box::new(provider));
}

/// A meter of what `telemetry` has installed.
pub(super) fn installed_meter(scope: &InstrumentationScope) -> Option<Meter> {
    #[cfg(any(feature = "otlp", feature = "prometheus"))]
    return Some(METERS.get()?.meter_with_scope(scope.clone()));
    #[cfg(not(any(feature = "otlp", feature = "prometheus")))]
    {
        let _ = scope;
        None
    }
}

pub(super) fn global_tracer(scope: &InstrumentationScope) -> Arc<dyn StartSpan> {
    #[cfg(feature = "telemetry")]
    if let Some(starters) = INSTALLED.get() {
        return starters(scope.clone());
    }
    #[cfg(feature = "telemetry")]
    BUILT_BEFORE_INSTALL.store(true, Ordering::Relaxed);
    tracer_for(&global::tracer_provider(), scope)
}

pub(super) fn tracer_for<P>(provider: &P, scope: &InstrumentationScope) -> Arc<dyn StartSpan>
where
    P: TracerProvider + fmt::Debug,
    P::Tracer: Send + Sync + 'static,
    <P::Tracer as Tracer>::Span: Send + Sync + 'static,
{
    let tracer = provider.tracer_with_scope(scope.clone());
    let foresight = Foresight::of(provider, &tracer, scope);
    Arc::new(Starter { tracer, foresight })
}
