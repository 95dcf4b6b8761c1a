//! The test to which a thread belongs: its providers replace the global ones.

use std::{
    cell::RefCell,
    sync::{Arc, OnceLock},
    thread,
};

use opentelemetry::{
    InstrumentationScope, global,
    metrics::{Meter, MeterProvider as _},
    trace::TracerProvider as _,
};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use tracing::{
    Dispatch,
    dispatcher::{self, DefaultGuard},
};

use crate::{
    propagation::{Propagator, propagator::of_test},
    trace::{
        AnyTracer, TracerProvider,
        clock::test_clock::{self, TestClock},
    },
};

/// Providers of one test.
#[derive(Debug)]
pub(crate) struct TestProviders {
    pub(crate) tracer_provider: TracerProvider,
    pub(crate) meter_provider: SdkMeterProvider,
    pub(crate) propagator: Propagator,
    pub(crate) clock: Option<TestClock>,
}

/// Providers and subscriber of one test.
#[derive(Clone, Debug)]
pub(crate) struct TestScope {
    pub(crate) providers: Arc<TestProviders>,
    pub(crate) dispatch: Dispatch,
}

thread_local! {
    /// The tests that this thread runs code of, the innermost last.
    static SCOPES: RefCell<Vec<Arc<TestProviders>>> = const { RefCell::new(Vec::new()) };
}

/// Name of the thread that has installed `Telemetry`.
static INSTALLED_BY: OnceLock<String> = OnceLock::new();

/// Records that this thread has installed `Telemetry`.
pub(super) fn note_installation() {
    INSTALLED_BY.get_or_init(|| thread::current().name().unwrap_or("unnamed").to_owned());
}

/// Returns the name of the thread that has installed `Telemetry`.
pub(crate) fn installed_by() -> Option<&'static str> {
    INSTALLED_BY.get().map(|name| &**name)
}

/// Whether OpenTelemetry's global provider records spans.
pub(crate) fn has_foreign_provider() -> bool {
    let scope = InstrumentationScope::default();
    !AnyTracer::foreign(global::tracer_provider().tracer_with_scope(scope)).is_noop()
}

/// Returns a meter of the test to which this thread belongs.
pub(super) fn meter(scope: &InstrumentationScope) -> Option<Meter> {
    Some(providers()?.meter_provider.meter_with_scope(scope.clone()))
}

/// Returns a tracer of the test to which this thread belongs.
pub(super) fn tracer(scope: &InstrumentationScope) -> Option<AnyTracer> {
    Some(AnyTracer::Own(providers()?.tracer_provider.tracer_with_scope(scope.clone())))
}

fn providers() -> Option<Arc<TestProviders>> {
    SCOPES.try_with(|scopes| scopes.borrow().last().cloned()).ok().flatten()
}

/// Returns the test to which this thread belongs, with the current subscriber, which may be one that the test has made.
pub(super) fn current() -> Option<TestScope> {
    let providers = providers()?;
    let dispatch = dispatcher::get_default(Dispatch::clone);
    Some(TestScope { providers, dispatch })
}

/// Makes the thread belong to the test of a middleware, unless it does already.
pub(crate) fn enter(scope: Option<&TestScope>) -> Option<EnteredTest> {
    let scope = scope?;
    let is_current = providers().is_some_and(|it| Arc::ptr_eq(&it, &scope.providers));
    (!is_current).then(|| scope.enter())
}

impl TestScope {
    /// Makes the thread belong to the test until the guard is dropped.
    pub(crate) fn enter(&self) -> EnteredTest {
        let _ = SCOPES.try_with(|scopes| scopes.borrow_mut().push(Arc::clone(&self.providers)));
        EnteredTest {
            providers: Arc::clone(&self.providers),
            propagator: of_test::replace(Some(self.providers.propagator.clone())),
            clock: test_clock::replace(self.providers.clock.clone()),
            _default: dispatcher::set_default(&self.dispatch),
        }
    }
}

/// Guard of a thread that belongs to a test.
#[derive(Debug)]
#[must_use = "the thread belongs to the test until this is dropped"]
pub(crate) struct EnteredTest {
    providers: Arc<TestProviders>,
    propagator: Option<Propagator>,
    clock: Option<TestClock>,
    _default: DefaultGuard,
}

impl Drop for EnteredTest {
    fn drop(&mut self) {
        of_test::replace(self.propagator.take());
        test_clock::replace(self.clock.take());
        let _ = SCOPES.try_with(|scopes| {
            let mut scopes = scopes.borrow_mut();
            let last = scopes.iter().rposition(|it| Arc::ptr_eq(it, &self.providers));
            last.map(|index| scopes.remove(index))
        });
    }
}
