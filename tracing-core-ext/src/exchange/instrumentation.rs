#[cfg(feature = "telemetry")]
use std::sync::OnceLock;
use std::{fmt, marker::PhantomData, sync::Arc};

use opentelemetry::{
    Context, InstrumentationScope, global,
    propagation::TextMapPropagator,
    trace::{SpanKind, Tracer, TracerProvider},
};

use super::{
    Exchange,
    clock::Clock,
    companion,
    sampler::Sampler,
    start::{Start, StartSpan, Starter},
};
use crate::{
    http::{ClientRequestHead, RequestHead, semconv},
    propagation::{HeadersMut, Propagator},
};

/// What a middleware or a client resolved when it was built: tracer and propagator. Cheap to clone.
#[derive(Clone)]
pub struct Instrumentation {
    tracer: Arc<dyn StartSpan>,
    propagator: Propagator,
}

impl Instrumentation {
    /// Starts the exchange of an incoming request, below the span its headers name.
    pub fn receive<R: RequestHead>(&self, head: &R) -> Exchange {
        let parent = self.propagator.extract(head.headers());
        let mut clock = Clock::start();
        let companion = companion::span(head);
        let context = match companion::capture(&companion, &parent, head) {
            Some(captured) => {
                clock.started();
                captured
            }
            None => {
                let start = Start { kind: SpanKind::Server, clock: &mut clock, description: head };
                self.tracer.start(start, &parent)
            }
        };
        Exchange::server(context, companion, clock, head.method())
    }

    /// Starts the exchange of an outgoing request, below `parent`. [`inject`](Self::inject) comes next.
    pub fn send(&self, parent: &Context, head: &ClientRequestHead<'_>) -> Exchange {
        let mut clock = Clock::start();
        let start = Start { kind: SpanKind::Client, clock: &mut clock, description: head };
        Exchange::client(self.tracer.start(start, parent), clock, head.method)
    }

    /// Writes `context` into the headers of an outgoing request.
    pub fn inject<H: HeadersMut>(&self, context: &Context, headers: &mut H) {
        self.propagator.inject(context, headers);
    }
}

impl fmt::Debug for Instrumentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumentation")
            .field("propagator", &self.propagator)
            .finish_non_exhaustive()
    }
}

/// Options of a middleware or a client `T`, the same on every framework.
///
/// What is not set is taken, once, in [`build`](Self::build), from what `telemetry` has installed, else from
/// [`opentelemetry::global`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<T> {
    scope: InstrumentationScope,
    tracer: Option<Arc<dyn StartSpan>>,
    propagator: Option<Propagator>,
    target: PhantomData<fn() -> T>,
}

impl<T: From<Instrumentation>> Builder<T> {
    /// A builder whose spans carry the instrumentation scope `name` in version `version`.
    pub fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            scope: InstrumentationScope::builder(name)
                .with_version(version)
                .with_schema_url(semconv::SCHEMA_URL)
                .build(),
            tracer: None,
            propagator: None,
            target: PhantomData,
        }
    }

    /// Spans are made by `provider` instead of the global one.
    pub fn tracer_provider<P>(mut self, provider: &P) -> Self
    where
        P: TracerProvider + fmt::Debug,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        self.tracer = Some(starter(provider, self.scope.clone()));
        self
    }

    /// Context crosses processes by `propagator` instead of the global one.
    ///
    /// [`W3cPropagator`](crate::propagation::W3cPropagator) reads headers in place; any other goes through its
    /// `TextMapPropagator` interface.
    pub fn propagator<P>(mut self, propagator: P) -> Self
    where
        P: TextMapPropagator + Send + Sync + 'static,
    {
        self.propagator = Some(Propagator::new(propagator));
        self
    }

    /// Resolves what was not set and builds.
    pub fn build(self) -> T {
        T::from(self.resolve())
    }

    pub(crate) fn resolve(self) -> Instrumentation {
        let scope = self.scope;
        let tracer = self.tracer.unwrap_or_else(|| global_starter(scope));
        let propagator = self.propagator.unwrap_or_else(Propagator::global);
        Instrumentation { tracer, propagator }
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("scope", &self.scope)
            .field("propagator", &self.propagator)
            .finish_non_exhaustive()
    }
}

/// Makes tracers for a scope.
#[cfg(feature = "telemetry")]
type Starters = Box<dyn Fn(InstrumentationScope) -> Arc<dyn StartSpan> + Send + Sync>;

#[cfg(feature = "telemetry")]
static INSTALLED: OnceLock<Starters> = OnceLock::new();

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
    INSTALLED.get_or_init(|| Box::new(move |scope| starter(&provider, scope)));
}

fn global_starter(scope: InstrumentationScope) -> Arc<dyn StartSpan> {
    #[cfg(feature = "telemetry")]
    if let Some(starters) = INSTALLED.get() {
        return starters(scope);
    }
    starter(&global::tracer_provider(), scope)
}

fn starter<P>(provider: &P, scope: InstrumentationScope) -> Arc<dyn StartSpan>
where
    P: TracerProvider + fmt::Debug,
    P::Tracer: Send + Sync + 'static,
    <P::Tracer as Tracer>::Span: Send + Sync + 'static,
{
    let sampler = Sampler::of(provider);
    Arc::new(Starter { tracer: provider.tracer_with_scope(scope), sampler })
}
