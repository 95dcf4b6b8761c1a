//! Providers that `Telemetry` has installed, for builders without explicit providers.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use opentelemetry::{
    InstrumentationScope, global,
    metrics::{Meter, MeterProvider},
    trace::TracerProvider as _,
};

use super::test_scope;
use crate::{
    base::deferred_log,
    bridge::layer,
    trace::{AnyTracer, TracerProvider},
};

static TRACER_PROVIDER: OnceLock<TracerProvider> = OnceLock::new();
static METER_PROVIDER: OnceLock<Box<dyn MeterProvider + Send + Sync>> = OnceLock::new();
static MIDDLEWARE_BUILT: AtomicBool = AtomicBool::new(false);
static BUILT_BEFORE_INSTALL: AtomicBool = AtomicBool::new(false);

/// Sets the tracer provider that builders use by default.
///
/// It is OpenTelemetry's global provider as well, but the type that OpenTelemetry returns for it boxes every span once
/// more.
pub(crate) fn set_tracer_provider(provider: TracerProvider) {
    test_scope::note_installation();
    let _ = TRACER_PROVIDER.set(provider);
}

/// Sets the provider whose meters builders use by default. OpenTelemetry's global provider may drop all measurements,
/// and would still cost as much.
pub(crate) fn set_meter_provider(provider: impl MeterProvider + Send + Sync + 'static) {
    METER_PROVIDER.get_or_init(|| Box::new(provider));
}

/// Returns a meter of the provider of the test, or else of the installed one, and whether all middlewares of the scope
/// share its instruments.
pub(crate) fn meter(scope: &InstrumentationScope) -> Option<(Meter, bool)> {
    if let Some(meter) = test_scope::meter(scope) {
        return Some((meter, false));
    }
    Some((METER_PROVIDER.get()?.meter_with_scope(scope.clone()), true))
}

/// Returns a tracer of the provider of the test, or else of the installed one, or else of OpenTelemetry's global one.
pub(crate) fn tracer(scope: &InstrumentationScope) -> AnyTracer {
    if let Some(tracer) = test_scope::tracer(scope) {
        return tracer;
    }
    if let Some(provider) = TRACER_PROVIDER.get() {
        return AnyTracer::Own(provider.tracer_with_scope(scope.clone()));
    }
    let tracer = AnyTracer::foreign(global::tracer_provider().tracer_with_scope(scope.clone()));
    if tracer.is_noop() {
        BUILT_BEFORE_INSTALL.store(true, Ordering::Relaxed);
    }
    tracer
}

/// Records that a middleware or client was built, and warns if its spans would not be recorded or not be shown.
pub(crate) fn note_middleware(tracer: &AnyTracer) {
    MIDDLEWARE_BUILT.store(true, Ordering::Relaxed);
    tracer.warn_if_idle();
    layer::warn_if_hidden();
    deferred_log::flush();
}

/// Whether any middleware or client was built.
pub(crate) fn is_middleware_built() -> bool {
    MIDDLEWARE_BUILT.load(Ordering::Relaxed)
}

/// Whether a middleware or client was built before there was an installed provider.
pub(crate) fn built_before_install() -> bool {
    BUILT_BEFORE_INSTALL.load(Ordering::Relaxed)
}
