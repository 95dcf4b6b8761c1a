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
    shared_state::Late,
    start::{Start, StartSpan, Started, Starter, link_to},
};
use crate::{
    bridge::tracing_span,
    http::{ClientRequestHead, RequestHead},
    metrics::{instruments::Metrics, request::Measured},
    propagation::{Headers, Propagator, extracted::Inbound},
    semconv::{
        client::ClientDescription,
        server::{Naming, ServerDescription},
    },
    trace::timer::Clock,
};

/// What a middleware or a client resolved when it was built: tracer, propagator and options. Cheap to clone.
#[derive(Clone)]
pub struct Instrumentation {
    resolved: Arc<Resolved>,
}

struct Resolved {
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
        WAS_BUILT.store(true, Ordering::Relaxed);
        Self { resolved: Arc::new(Resolved { tracer, propagator, metrics, options }) }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.resolved.options
    }

    pub(super) fn tracer(&self) -> &dyn StartSpan {
        &*self.resolved.tracer
    }

    pub(super) fn propagator(&self) -> &Propagator {
        &self.resolved.propagator
    }

    /// Starts the exchange of an incoming request, below the span its headers name.
    pub fn receive<R: RequestHead>(&self, head: &R) -> Exchange {
        match &self.resolved.metrics {
            None => self.serve(head, |_, _| None),
            Some(metrics) => self.receive_measured(head, metrics),
        }
    }

    /// Out of the way of those who measure nothing.
    #[inline(never)]
    fn receive_measured<R: RequestHead>(&self, head: &R, metrics: &Metrics) -> Exchange {
        self.serve(head, |description, clock| {
            clock.begin();
            let labels = description.labels(self.options().has_server_label);
            Some(Late::measured(Measured::server(metrics, labels, head.version())))
        })
    }

    #[inline(always)]
    fn serve<R: RequestHead>(
        &self,
        head: &R,
        measure: impl FnOnce(&ServerDescription<'_, R>, &mut Clock) -> Option<Late>,
    ) -> Exchange {
        let Resolved { tracer, options, .. } = &*self.resolved;
        let (inbound, link) = self.inbound(head);
        if options.excludes(head) {
            return Exchange::untraced(inbound.into_context(), head.method(), self.clone());
        }
        let mut clock = Clock::default();
        let description = ServerDescription::new(head, &options.detail);
        let measured = measure(&description, &mut clock);
        let companion = tracing_span::span(head, &options.detail);
        let kind = SpanKind::Server;
        let start = Start { kind, clock: &mut clock, link, description: &description };
        let started = start_below(inbound, start, &companion, &**tracer);
        let naming = description.naming();
        let late = match measured {
            Some(late) => Some(late.started(naming, description.call(), description.route_label())),
            None if started.is_recorded => Late::of(naming, description.call(), options),
            None => None,
        };
        Exchange::server(started, companion, clock, head.method(), late, self.clone())
    }

    /// What an incoming request is served below, and a caller that is not its parent.
    #[inline(always)]
    fn inbound<'a, R: RequestHead>(
        &self,
        head: &'a R,
    ) -> (Inbound<'a, impl Headers + use<'a, R>>, Option<Box<SpanContext>>) {
        match self.options().policy_for(head) {
            TrustPolicy::Trust => (self.resolved.propagator.read(head.headers()), None),
            TrustPolicy::LinkOnly => (Inbound::nothing(), self.link(head.headers())),
            TrustPolicy::Ignore => (Inbound::nothing(), None),
        }
    }

    #[cold]
    fn link(&self, headers: &impl Headers) -> Option<Box<SpanContext>> {
        let caller = self.resolved.propagator.extract(headers);
        link_to(caller.span().span_context())
    }

    /// Starts the exchange of an outgoing request, below `parent`. [`inject`](Exchange::inject) comes next.
    pub fn send<H: Headers>(&self, parent: &Context, head: &ClientRequestHead<'_, H>) -> Exchange {
        let mut exchange = self.start_sending(parent, head);
        if self.options().conceal_from(head) {
            exchange.conceal();
        }
        exchange
    }

    fn start_sending<H: Headers>(
        &self,
        parent: &Context,
        head: &ClientRequestHead<'_, H>,
    ) -> Exchange {
        let Resolved { tracer, options, .. } = &*self.resolved;
        if options.excludes(head) {
            return Exchange::untraced(parent.clone(), head.method, self.clone());
        }
        let mut clock = Clock::default();
        let description = &ClientDescription::new(head, &options.detail);
        let measured = self.resolved.metrics.as_ref().map(|metrics| {
            clock.begin();
            Late::measured(Measured::client(metrics, description.labels()))
        });
        let start = Start { kind: SpanKind::Client, clock: &mut clock, link: None, description };
        let started = tracer.start(start, parent);
        let late = match measured {
            Some(late) => Some(late.started(Naming::COMPLETE, None, None)),
            None if started.is_recorded => Late::of(Naming::COMPLETE, None, options),
            None => None,
        };
        Exchange::client(started, clock, head.method, late, self.clone())
    }
}

/// Starts the span of an incoming request, unless `companion` has become that.
#[inline(always)]
fn start_below<H: Headers>(
    inbound: Inbound<'_, H>,
    mut start: Start<'_>,
    companion: &Span,
    tracer: &dyn StartSpan,
) -> Started {
    let is_capturable = tracing_span::is_capturable(companion);
    match tracer.fate(inbound.parent()) {
        Fate::Identity(trace_id, span_id) if !is_capturable => {
            Started::unrecorded(inbound.into_unrecorded(trace_id, span_id))
        }
        Fate::Absent if !is_capturable => Started::unrecorded(inbound.into_context()),
        Fate::Lean(lean, trace_id, span_id) if !is_capturable => {
            let context = inbound.into_sampled(trace_id, span_id, |cx, identity, parent| {
                lean.start(start, cx, identity, parent)
            });
            Started::recorded(context)
        }
        _ => {
            let parent = inbound.into_context();
            let captured =
                is_capturable.then(|| tracing_span::capture(companion, &mut start, &parent));
            captured.flatten().unwrap_or_else(|| tracer.start(start, &parent))
        }
    }
}

impl fmt::Debug for Instrumentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumentation")
            .field("propagator", &self.resolved.propagator)
            .field("options", self.options())
            .finish_non_exhaustive()
    }
}

/// Makes tracers for a scope.
#[cfg(feature = "telemetry")]
type Starters = Box<dyn Fn(InstrumentationScope) -> Arc<dyn StartSpan> + Send + Sync>;

#[cfg(feature = "telemetry")]
static INSTALLED: OnceLock<Starters> = OnceLock::new();

/// Whether there is any instrumentation, and whether there was some before telemetry was installed that needed it.
#[cfg(feature = "telemetry")]
static WAS_BUILT: AtomicBool = AtomicBool::new(false);
#[cfg(feature = "telemetry")]
static WAS_BUILT_UNINSTALLED: AtomicBool = AtomicBool::new(false);

#[cfg(feature = "telemetry")]
pub(crate) fn was_built() -> bool {
    WAS_BUILT.load(Ordering::Relaxed)
}

#[cfg(feature = "telemetry")]
pub(crate) fn was_built_uninstalled() -> bool {
    WAS_BUILT_UNINSTALLED.load(Ordering::Relaxed)
}

#[cfg(any(feature = "otlp", feature = "prometheus"))]
static METERS: OnceLock<Box<dyn MeterProvider + Send + Sync>> = OnceLock::new();

/// Makes `provider` the one builders fall back on.
///
/// It is the global one as well, but what OpenTelemetry hands out as that boxes every span once more and does not tell
/// which sampler it has.
#[cfg(feature = "telemetry")]
pub(crate) fn install_globally<P>(provider: P)
where
    P: TracerProvider + fmt::Debug + Send + Sync + 'static,
    P::Tracer: Send + Sync + 'static,
    <P::Tracer as Tracer>::Span: Send + Sync + 'static,
{
    INSTALLED.get_or_init(|| Box::new(move |scope| starter(&provider, &scope)));
}

/// Makes `provider` the one whose meters builders fall back on. What OpenTelemetry hands out as global may be a provider that
/// drops everything, which would cost as much as one that does not.
#[cfg(any(feature = "otlp", feature = "prometheus"))]
pub(crate) fn install_meters_globally(provider: impl MeterProvider + Send + Sync + 'static) {
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

pub(super) fn global_starter(scope: &InstrumentationScope) -> Arc<dyn StartSpan> {
    #[cfg(feature = "telemetry")]
    if let Some(starters) = INSTALLED.get() {
        return starters(scope.clone());
    }
    #[cfg(feature = "telemetry")]
    WAS_BUILT_UNINSTALLED.store(true, Ordering::Relaxed);
    starter(&global::tracer_provider(), scope)
}

pub(super) fn starter<P>(provider: &P, scope: &InstrumentationScope) -> Arc<dyn StartSpan>
where
    P: TracerProvider + fmt::Debug,
    P::Tracer: Send + Sync + 'static,
    <P::Tracer as Tracer>::Span: Send + Sync + 'static,
{
    let tracer = provider.tracer_with_scope(scope.clone());
    let foresight = Foresight::of(provider, &tracer, scope);
    Arc::new(Starter { tracer, foresight })
}
