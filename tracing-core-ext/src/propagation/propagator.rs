use std::{
    any::Any,
    sync::{Arc, OnceLock},
};

use http::HeaderName;
use opentelemetry::{
    Context, global,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};

use super::{
    b3,
    composite::CompositePropagator,
    extracted::Extracted,
    headers::{Headers, HeadersMut},
    jaeger,
    text_map::{HeadersExtractor, HeadersInjector},
    w3c::W3cPropagator,
};
use crate::base::contain;

/// Propagator of one layer or client, resolved when the layer or client is built.
///
/// The global propagator is not read for each request, unless [`Propagator::global`] finds a
/// propagator for other formats than those of this crate. The propagators of this crate use headers
/// directly. A clone is cheap.
///
/// ```
/// use http::HeaderMap;
/// use opentelemetry::Context;
/// use tracing_core_ext::propagation::{Propagator, W3cPropagator};
///
/// let propagator = Propagator::new(W3cPropagator::new().without_baggage());
/// let cx = propagator.extract(&HeaderMap::new());
///
/// let mut outbound = HeaderMap::new();
/// propagator.inject(&cx, &mut outbound);
/// assert!(outbound.is_empty(), "there is no trace to continue");
/// ```
#[derive(Clone, Debug)]
pub struct Propagator(Kind);

#[derive(Clone, Debug)]
enum Kind {
    W3c(W3cPropagator),
    /// Replaces a global propagator for the same fields, with which other crates inject what was
    /// received.
    ReplacesGlobal(W3cPropagator),
    Composite(Arc<CompositePropagator>),
    Other(Arc<dyn TextMapPropagator + Send + Sync>),
    Global,
}

impl Propagator {
    /// Propagates W3C Trace Context and W3C Baggage.
    pub fn w3c() -> Self {
        Self(Kind::W3c(W3cPropagator::new()))
    }

    /// Uses `propagator`, regardless of the global propagator.
    pub fn new<P: TextMapPropagator + Send + Sync + 'static>(propagator: P) -> Self {
        let known: &dyn Any = &propagator;
        if let Some(w3c) = known.downcast_ref() {
            return Self(Kind::W3c(*w3c));
        }
        match CompositePropagator::of(known) {
            Some(composite) => Self::composite(composite),
            None => Self(Kind::Other(Arc::new(propagator))),
        }
    }

    /// Returns the names of the header fields of the propagator.
    pub(crate) fn header_names(&self) -> Vec<String> {
        match &self.0 {
            Kind::W3c(w3c) | Kind::ReplacesGlobal(w3c) => fields_of(w3c),
            Kind::Composite(composite) => fields_of(&**composite),
            Kind::Other(other) => fields_of(&**other),
            Kind::Global => global::get_text_map_propagator(|global| fields_of(global)),
        }
    }

    /// Returns the propagator for the case that a global propagator for the same fields is
    /// installed.
    #[cfg(test)]
    pub(super) const fn replacing_global(w3c: W3cPropagator) -> Self {
        Self(Kind::ReplacesGlobal(w3c))
    }

    fn composite(composite: CompositePropagator) -> Self {
        match composite.as_w3c() {
            Some(w3c) => Self(Kind::W3c(w3c)),
            None => Self(Kind::Composite(Arc::new(composite))),
        }
    }

    /// Resolves the propagator that is installed globally at the time of the call.
    ///
    /// - If it was installed by [`Telemetry`](crate::telemetry::Telemetry), the result is the same
    ///   propagator. The global propagator is not read for each request. This also applies if it
    ///   turns propagation off.
    /// - If none is installed, the result is W3C Trace Context and W3C Baggage.
    /// - If it has the fields `traceparent` and `tracestate`, with or without `baggage`, the result
    ///   is a [`W3cPropagator`] for the same fields.
    /// - Otherwise the result is the global propagator, which is read again for each request.
    ///
    /// A propagator without fields, installed by other code to turn propagation off, cannot be
    /// distinguished from no propagator. Pass it to [`Propagator::new`] instead.
    ///
    /// ```standalone_crate
    /// use http::HeaderMap;
    /// use opentelemetry::baggage::BaggageExt;
    /// use opentelemetry::global;
    /// use tracing_core_ext::propagation::{Propagator, W3cPropagator};
    ///
    /// global::set_text_map_propagator(W3cPropagator::new().without_baggage());
    /// let propagator = Propagator::global();
    ///
    /// let mut inbound = HeaderMap::new();
    /// inbound.insert("baggage", "tenant=blue".parse()?);
    /// assert!(propagator.extract(&inbound).baggage().is_empty());
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    pub fn global() -> Self {
        if let Some(of_test) = of_test::current() {
            return of_test;
        }
        global::get_text_map_propagator(|propagator| {
            let known = matching_installed(propagator);
            let w3c = || {
                as_w3c(propagator).map(|w3c| match propagator.fields().next() {
                    None => Self(Kind::W3c(w3c)),
                    Some(_) => Self(Kind::ReplacesGlobal(w3c)),
                })
            };
            known.or_else(w3c).unwrap_or(Self(Kind::Global))
        })
    }

    /// Extracts the span and the baggage of the caller into an empty context.
    pub fn extract<H: Headers>(&self, headers: &H) -> Context {
        self.extract_lazy(headers).into_context()
    }

    /// Extracts the values that decide whether a child span is recorded.
    #[inline(always)]
    pub(crate) fn extract_lazy<'a, H: Headers>(&self, headers: &'a H) -> Extracted<'a, H> {
        match &self.0 {
            Kind::W3c(w3c) => w3c.extract_lazy(Context::new(), headers, true),
            _ => self.extract_other(headers),
        }
    }

    /// Not inlined, so that W3C extraction stays small.
    #[inline(never)]
    fn extract_other<'a, H: Headers>(&self, headers: &'a H) -> Extracted<'a, H> {
        let extract = |propagator: &dyn TextMapPropagator| {
            let extracted = contain("a propagator", || {
                propagator.extract_with_context(&Context::new(), &HeadersExtractor(headers))
            });
            extracted.unwrap_or_default()
        };
        let cx = match &self.0 {
            Kind::W3c(w3c) | Kind::ReplacesGlobal(w3c) => {
                return w3c.extract_lazy(Context::new(), headers, false);
            }
            Kind::Composite(composite) => composite.extract(headers),
            Kind::Other(propagator) => extract(&**propagator),
            Kind::Global => global::get_text_map_propagator(extract),
        };
        Extracted::from_context(cx)
    }

    /// Injects the span and the baggage of `cx` into the headers of a request to another service.
    pub fn inject<H: HeadersMut>(&self, cx: &Context, headers: &mut H) {
        let mut inject = |propagator: &dyn TextMapPropagator| {
            contain("a propagator", || {
                propagator.inject_context(cx, &mut HeadersInjector(&mut *headers));
            });
        };
        match &self.0 {
            Kind::W3c(w3c) | Kind::ReplacesGlobal(w3c) => w3c.inject(cx, headers),
            Kind::Composite(composite) => composite.inject(cx, headers),
            Kind::Other(propagator) => inject(&**propagator),
            Kind::Global => global::get_text_map_propagator(inject),
        }
    }
}

impl Propagator {
    /// Removes the fields that [`inject`](Self::inject) would write, for a service that must not
    /// receive trace context.
    ///
    /// For B3 these are all fields of both forms. For Jaeger they include the fields of its
    /// baggage.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use tracing_core_ext::propagation::Propagator;
    ///
    /// let mut outbound = HeaderMap::new();
    /// outbound.insert("baggage", "tenant=blue".parse()?);
    /// Propagator::w3c().remove(&mut outbound);
    /// assert!(outbound.is_empty());
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    pub fn remove<H: HeadersMut>(&self, headers: &mut H) {
        let mut remove = |propagator: &dyn TextMapPropagator| {
            let names = propagator.fields().map(|name| HeaderName::from_bytes(name.as_bytes()));
            names.flatten().for_each(|name| remove_related_headers(&name, headers));
        };
        match &self.0 {
            Kind::W3c(w3c) | Kind::ReplacesGlobal(w3c) => remove(w3c),
            Kind::Composite(composite) => remove(&**composite),
            Kind::Other(propagator) => remove(&**propagator),
            Kind::Global => global::get_text_map_propagator(remove),
        }
    }
}

/// Removes a field, and the fields of its format that are only extracted or that have no fixed
/// names.
fn remove_related_headers<H: HeadersMut>(name: &HeaderName, headers: &mut H) {
    if b3::owns_header(name) {
        b3::remove(headers);
    } else if jaeger::owns_header(name) {
        jaeger::remove(headers);
    } else {
        headers.remove(name);
    }
}

impl Default for Propagator {
    fn default() -> Self {
        Self::global()
    }
}

/// Equivalent of [`Propagator::new`].
impl<P: TextMapPropagator + Send + Sync + 'static> From<P> for Propagator {
    fn from(propagator: P) -> Self {
        Self::new(propagator)
    }
}

/// The propagator of a test, which replaces the global one on the threads of the test.
#[cfg(feature = "testing")]
pub(crate) mod of_test {
    use std::cell::RefCell;

    use super::Propagator;

    thread_local! {
        static CURRENT: RefCell<Option<Propagator>> = const { RefCell::new(None) };
    }

    pub(super) fn current() -> Option<Propagator> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// Replaces the propagator of this thread, and returns the one before.
    pub(crate) fn replace(propagator: Option<Propagator>) -> Option<Propagator> {
        CURRENT.try_with(|current| current.replace(propagator)).ok().flatten()
    }
}

/// Without the feature `testing` no test replaces the propagator.
#[cfg(not(feature = "testing"))]
mod of_test {
    pub(super) const fn current() -> Option<super::Propagator> {
        None
    }
}

/// Propagator that `Telemetry` has installed, and the fields by which it is recognized.
struct Installed {
    propagator: Propagator,
    fields: Vec<String>,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();

/// Installs `propagator` as the global propagator and as the result of [`Propagator::global`].
///
/// The type of a global propagator cannot be read, and a propagator without fields cannot be
/// distinguished from none.
pub(crate) fn set_global_propagator(propagator: Propagator) {
    match &propagator.0 {
        Kind::W3c(w3c) | Kind::ReplacesGlobal(w3c) => global::set_text_map_propagator(*w3c),
        Kind::Composite(composite) => {
            global::set_text_map_propagator(SharedPropagator(composite.clone()))
        }
        Kind::Other(other) => global::set_text_map_propagator(SharedPropagator(other.clone())),
        // It is the global propagator already.
        Kind::Global => return,
    }
    let fields = global::get_text_map_propagator(fields_of);
    INSTALLED.get_or_init(|| Installed { propagator, fields });
}

/// Returns the propagator that `Telemetry` has installed, unless another one has replaced it.
fn matching_installed(global: &dyn TextMapPropagator) -> Option<Propagator> {
    let installed = INSTALLED.get()?;
    (installed.fields == fields_of(global)).then(|| installed.propagator.clone())
}

/// Shared propagator in a type of its own, because the global propagator must be owned.
#[derive(Debug)]
struct SharedPropagator(Arc<dyn TextMapPropagator + Send + Sync>);

impl TextMapPropagator for SharedPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        self.0.inject_context(cx, injector);
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        self.0.extract_with_context(cx, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

/// Returns a [`W3cPropagator`] for the fields of `propagator`, if they are fields of W3C.
fn as_w3c(propagator: &dyn TextMapPropagator) -> Option<W3cPropagator> {
    let fields = fields_of(propagator);
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    match fields[..] {
        [] | ["baggage", "traceparent", "tracestate"] => Some(W3cPropagator::new()),
        ["traceparent", "tracestate"] => Some(W3cPropagator::new().without_baggage()),
        _ => None,
    }
}

fn fields_of(propagator: &dyn TextMapPropagator) -> Vec<String> {
    let mut fields: Vec<_> = propagator.fields().map(str::to_ascii_lowercase).collect();
    fields.sort();
    fields.dedup();
    fields
}

#[cfg(test)]
mod tests;
