use std::{any::Any, sync::Arc};

use http::HeaderName;
use opentelemetry::{Context, global, propagation::TextMapPropagator};

use super::{
    Headers, HeadersMut, W3cPropagator,
    text_map::{HeadersExtractor, HeadersInjector},
};

/// The propagator of one layer or client, resolved when that is built.
///
/// Requests go through it without a look at anything global, unless [`Propagator::global`] finds
/// a propagator for formats it does not know. Cheap to clone.
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
    Other(Arc<dyn TextMapPropagator + Send + Sync>),
    Global,
}

impl Propagator {
    /// W3C Trace Context and W3C Baggage.
    pub fn w3c() -> Self {
        Self(Kind::W3c(W3cPropagator::new()))
    }

    /// This propagator, whatever is installed globally.
    pub fn new<P: TextMapPropagator + Send + Sync + 'static>(propagator: P) -> Self {
        match (&propagator as &dyn Any).downcast_ref::<W3cPropagator>() {
            Some(w3c) => Self(Kind::W3c(*w3c)),
            None => Self(Kind::Other(Arc::new(propagator))),
        }
    }

    /// What the propagator installed globally right now stands for.
    ///
    /// - With none installed, W3C Trace Context and W3C Baggage.
    /// - With one for `traceparent` and `tracestate`, with or without `baggage`, the strict
    ///   [`W3cPropagator`] for the same fields.
    /// - With any other, the global propagator, asked anew for every request.
    ///
    /// A propagator without fields, installed to turn propagation off, looks like none: hand it
    /// to [`Propagator::new`] instead.
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
        global::get_text_map_propagator(|propagator| match w3c_for(propagator) {
            Some(w3c) => Self(Kind::W3c(w3c)),
            None => Self(Kind::Global),
        })
    }

    /// Reads what the caller sent into an otherwise empty context.
    pub fn extract<H: Headers>(&self, headers: &H) -> Context {
        let extract = |propagator: &dyn TextMapPropagator| {
            propagator.extract_with_context(&Context::new(), &HeadersExtractor(headers))
        };
        match &self.0 {
            Kind::W3c(w3c) => w3c.extract(headers),
            Kind::Other(propagator) => extract(&**propagator),
            Kind::Global => global::get_text_map_propagator(extract),
        }
    }

    /// Writes what `cx` holds for the service that is called.
    pub fn inject<H: HeadersMut>(&self, cx: &Context, headers: &mut H) {
        let mut inject = |propagator: &dyn TextMapPropagator| {
            propagator.inject_context(cx, &mut HeadersInjector(&mut *headers));
        };
        match &self.0 {
            Kind::W3c(w3c) => w3c.inject(cx, headers),
            Kind::Other(propagator) => inject(&**propagator),
            Kind::Global => global::get_text_map_propagator(inject),
        }
    }
}

impl Propagator {
    /// Removes the fields that [`inject`](Self::inject) would write, for a service that is to know nothing.
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
            names.flatten().for_each(|name| headers.remove(&name));
        };
        match &self.0 {
            Kind::W3c(w3c) => remove(w3c),
            Kind::Other(propagator) => remove(&**propagator),
            Kind::Global => global::get_text_map_propagator(remove),
        }
    }
}

impl Default for Propagator {
    fn default() -> Self {
        Self::global()
    }
}

/// Our propagator for the fields of that one, where it has the same.
fn w3c_for(propagator: &dyn TextMapPropagator) -> Option<W3cPropagator> {
    let mut fields: Vec<_> = propagator.fields().map(str::to_ascii_lowercase).collect();
    fields.sort();
    fields.dedup();
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    match fields[..] {
        [] | ["baggage", "traceparent", "tracestate"] => Some(W3cPropagator::new()),
        ["traceparent", "tracestate"] => Some(W3cPropagator::new().without_baggage()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use opentelemetry::{
        baggage::BaggageExt,
        propagation::{
            Extractor, Injector, TextMapCompositePropagator, text_map_propagator::FieldIter,
        },
    };
    use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

    use super::*;

    fn composite(
        propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>>,
    ) -> TextMapCompositePropagator {
        TextMapCompositePropagator::new(propagators)
    }

    #[derive(Debug)]
    struct Foreign([String; 1]);

    impl Foreign {
        fn new() -> Self {
            Self(["x-trace".to_owned()])
        }
    }

    /// Carries its header's values as a baggage entry, and how many header names there were.
    impl TextMapPropagator for Foreign {
        fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
            if let Some(value) = cx.baggage().get("trace") {
                injector.set("X-Trace", value.to_string());
                injector.set("not a name", value.to_string());
            }
        }

        fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
            let Some(values) = extractor.get_all("X-Trace") else {
                return cx.clone();
            };
            assert_eq!(extractor.get("x-trace"), Some(values[0]));
            assert_eq!(extractor.keys(), ["x-trace"]);
            let mut baggage = opentelemetry::baggage::Baggage::new();
            baggage.insert("trace", values.join("+"));
            cx.with_baggage(baggage)
        }

        fn fields(&self) -> FieldIter<'_> {
            FieldIter::new(&self.0)
        }
    }

    #[test]
    fn a_w3c_propagator_is_recognised() {
        let propagator = Propagator::new(W3cPropagator::new().without_baggage());

        assert!(
            matches!(propagator.0, Kind::W3c(w3c) if w3c == W3cPropagator::new().without_baggage())
        );
    }

    #[test]
    fn no_fields_stand_for_w3c_with_baggage() {
        assert_eq!(w3c_for(&composite(vec![])), Some(W3cPropagator::new()));
    }

    #[test]
    fn the_fields_of_trace_context_stand_for_w3c() {
        let trace_context = TraceContextPropagator::new();

        assert_eq!(w3c_for(&trace_context), Some(W3cPropagator::new().without_baggage()));
        let both = composite(vec![Box::new(BaggagePropagator::new()), Box::new(trace_context)]);
        assert_eq!(w3c_for(&both), Some(W3cPropagator::new()));
    }

    #[test]
    fn other_fields_are_left_to_their_propagator() {
        assert_eq!(w3c_for(&Foreign::new()), None);
        assert_eq!(w3c_for(&BaggagePropagator::new()), None);
        let mixed =
            composite(vec![Box::new(TraceContextPropagator::new()), Box::new(Foreign::new())]);
        assert_eq!(w3c_for(&mixed), None);
    }

    #[test]
    fn a_foreign_propagator_reads_and_writes_the_same_headers() {
        let propagator = Propagator::new(Foreign::new());
        let mut inbound = HeaderMap::new();
        inbound.append("x-trace", HeaderValue::from_static("a"));
        inbound.append("x-trace", HeaderValue::from_static("b"));
        let mut outbound = HeaderMap::new();
        propagator.inject(&propagator.extract(&inbound), &mut outbound);

        assert_eq!(outbound.len(), 1);
        assert_eq!(outbound["x-trace"], "a+b");
    }

    #[test]
    fn what_a_propagator_would_write_can_be_removed() {
        let all = ["traceparent", "tracestate", "baggage", "x-trace", "accept"];
        let headers: HeaderMap = all
            .map(|name| (name.parse().unwrap(), HeaderValue::from_static("a")))
            .into_iter()
            .collect();
        let kept_by = |propagator: &Propagator| {
            let mut headers = headers.clone();
            propagator.remove(&mut headers);
            let mut names: Vec<_> = headers.keys().map(ToString::to_string).collect();
            names.sort_unstable();
            names
        };

        assert_eq!(kept_by(&Propagator::w3c()), ["accept", "x-trace"]);
        let without_baggage = Propagator::new(W3cPropagator::new().without_baggage());
        assert_eq!(kept_by(&without_baggage), ["accept", "baggage", "x-trace"]);
        let foreign = Propagator::new(Foreign::new());
        assert_eq!(kept_by(&foreign), ["accept", "baggage", "traceparent", "tracestate"]);
    }

    #[test]
    fn a_foreign_propagator_starts_from_an_empty_context() {
        let _guard =
            Context::current_with_baggage([opentelemetry::KeyValue::new("a", "1")]).attach();
        let cx = Propagator::new(Foreign::new()).extract(&HeaderMap::new());

        assert!(cx.baggage().is_empty());
    }

    #[test]
    fn a_propagator_without_fields_turns_propagation_off() {
        let propagator = Propagator::new(composite(vec![]));
        let mut inbound = HeaderMap::new();
        inbound.append("baggage", HeaderValue::from_static("a=1"));

        assert!(propagator.extract(&inbound).baggage().is_empty());
    }
}
