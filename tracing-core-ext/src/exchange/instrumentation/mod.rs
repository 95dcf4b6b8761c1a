//! Tracer, propagator, instruments and options of one middleware or client.

pub(crate) mod duplicate_warning;
pub(crate) mod installed;
pub(crate) mod start;
#[cfg(feature = "testing")]
pub(crate) mod test_scope;
#[cfg(not(feature = "testing"))]
#[path = "test_scope/off.rs"]
pub(crate) mod test_scope;

use std::{fmt, sync::Arc};

use self::test_scope::{EnteredTest, TestScope};
use super::builder::options::Options;
use crate::{metrics::instruments::Metrics, propagation::Propagator, trace::AnyTracer};

/// Tracer, propagator and options of a middleware or client, resolved when it is built. It is cheap to clone.
#[derive(Clone)]
pub struct Instrumentation {
    inner: Arc<Inner>,
}

struct Inner {
    tracer: AnyTracer,
    propagator: Propagator,
    metrics: Option<Metrics>,
    options: Options,
    /// The test that has made the middleware.
    test: Option<TestScope>,
}

impl Instrumentation {
    pub(super) fn new(
        tracer: AnyTracer,
        propagator: Propagator,
        metrics: Option<Metrics>,
        mut options: Options,
    ) -> Self {
        options.resolve_extras();
        installed::note_middleware(&tracer);
        let test = test_scope::current();
        Self { inner: Arc::new(Inner { tracer, propagator, metrics, options, test }) }
    }

    /// Makes the thread belong to the test that has made the middleware.
    #[inline(always)]
    pub(crate) fn enter_test(&self) -> Option<EnteredTest> {
        test_scope::enter(self.inner.test.as_ref())
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(crate) fn tracer(&self) -> &AnyTracer {
        &self.inner.tracer
    }

    pub(crate) fn propagator(&self) -> &Propagator {
        &self.inner.propagator
    }

    pub(crate) fn metrics(&self) -> Option<&Metrics> {
        self.inner.metrics.as_ref()
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
