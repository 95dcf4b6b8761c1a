use std::{any::Any, error::Error, fmt, str::FromStr};

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::TraceContextExt,
};

use super::{
    b3::B3Propagator,
    headers::{Headers, HeadersMut},
    jaeger::{self, JaegerPropagator},
    text_map::{ExtractorHeaders, InjectorHeaders},
    w3c::{self, W3cPropagator, baggage_order::ReceivedBaggage},
};

/// Propagator for several formats, selected by their names in `OTEL_PROPAGATORS`.
///
/// | name | format |
/// | --- | --- |
/// | `tracecontext` | W3C Trace Context |
/// | `baggage` | W3C Baggage |
/// | `b3` | [B3](B3Propagator), injected as a single header |
/// | `b3multi` | B3, injected as several headers |
/// | `jaeger` | [Jaeger](JaegerPropagator) with its baggage |
/// | `none` | no format; must be the only name |
///
/// Names are separated by commas and case-insensitive. Repeated names count once. `b3,b3multi`
/// injects both forms. `tracecontext`, alone or with `baggage`, makes a
/// [`Propagator`](crate::propagation::Propagator) use [`W3cPropagator`].
///
/// ```
/// use http::HeaderMap;
/// use opentelemetry::trace::TraceContextExt;
/// use tracing_core_ext::propagation::{CompositePropagator, Propagator};
///
/// // For a service whose callers are on their way from Zipkin to OpenTelemetry.
/// let propagator: CompositePropagator = "tracecontext,b3,baggage".parse()?;
/// let propagator = Propagator::new(propagator);
///
/// let mut inbound = HeaderMap::new();
/// inbound.insert("b3", "80f198ee56343ba864fe8b2a57d3eff7-05e3ac9a4f6e3b90-1".parse()?);
/// let cx = propagator.extract(&inbound);
/// assert!(cx.span().span_context().is_remote());
///
/// let mut outbound = HeaderMap::new();
/// propagator.inject(&cx, &mut outbound);
/// assert_eq!(outbound["b3"], inbound["b3"]);
/// assert_eq!(
///     outbound["traceparent"],
///     "00-80f198ee56343ba864fe8b2a57d3eff7-05e3ac9a4f6e3b90-01"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Precedence of formats
///
/// Formats are extracted in the order of the list. The span is that of the first format with a
/// valid span. If no format has one, the sampling decision is that of the first format that has a
/// decision without ids. The baggage is that of the first format with baggage; baggage of several
/// formats is not merged. All formats are injected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositePropagator {
    formats: Vec<Format>,
    fields: Vec<String>,
}

impl CompositePropagator {
    /// Neither extracts nor injects baggage of any format.
    pub fn without_baggage(self) -> Self {
        Self::new(self.formats.into_iter().filter_map(Format::without_baggage).collect())
    }

    /// Extracts the span and the baggage of the caller into an empty context.
    pub fn extract<H: Headers>(&self, headers: &H) -> Context {
        self.extract_into(Context::new(), headers)
    }

    /// Injects the span and the baggage of `cx`, in every format, into the headers of a request to
    /// another service.
    pub fn inject<H: HeadersMut>(&self, cx: &Context, headers: &mut H) {
        for format in &self.formats {
            format.inject(cx, headers);
        }
    }

    fn new(formats: Vec<Format>) -> Self {
        let fields = formats.iter().flat_map(Format::injected_fields).cloned().collect();
        Self { formats, fields }
    }

    /// Returns the equivalent of `propagator`, if it is a propagator of this crate other than
    /// [`W3cPropagator`].
    pub(super) fn of(propagator: &dyn Any) -> Option<Self> {
        if let Some(&b3) = propagator.downcast_ref() {
            return Some(Self::new(vec![Format::B3(b3)]));
        }
        if let Some(&jaeger) = propagator.downcast_ref() {
            return Some(Self::new(vec![Format::Jaeger(jaeger)]));
        }
        propagator.downcast_ref().cloned()
    }

    /// Returns the equivalent [`W3cPropagator`], if there are no other formats.
    pub(super) fn as_w3c(&self) -> Option<W3cPropagator> {
        match self.formats[..] {
            [Format::TraceContext] => Some(W3cPropagator::new().without_baggage()),
            [Format::TraceContext, Format::Baggage] | [Format::Baggage, Format::TraceContext] => {
                Some(W3cPropagator::new())
            }
            _ => None,
        }
    }

    fn extract_into<H: Headers>(&self, cx: Context, headers: &H) -> Context {
        let cx = self.extract_trace(&cx, headers).unwrap_or(cx);
        match self.formats.iter().find_map(|format| format.extract_baggage(headers)) {
            Some(baggage) => baggage.into_context(&cx),
            None => cx,
        }
    }

    fn extract_trace<H: Headers>(&self, cx: &Context, headers: &H) -> Option<Context> {
        let mut decision = None;
        for found in self.formats.iter().filter_map(|format| format.extract_trace(cx, headers)) {
            if found.span().span_context().is_valid() {
                return Some(found);
            }
            decision.get_or_insert(found);
        }
        decision
    }
}

impl FromStr for CompositePropagator {
    type Err = CompositePropagatorError;

    // OpenTelemetry, "Environment Variable Specification": "Values MUST be deduplicated in order to
    // register a Propagator only once", and enum values are case-insensitive.
    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let names = list.split(',').map(|name| name.trim().to_ascii_lowercase());
        let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
        if !names.is_empty() && names.iter().all(|name| name == "none") {
            return Ok(Self::new(Vec::new()));
        }
        let formats = names.iter().map(|name| Format::named(name)).collect::<Option<Vec<_>>>();
        match formats {
            Some(formats) if !formats.is_empty() => Ok(Self::new(deduplicated(formats))),
            _ => Err(CompositePropagatorError { list: list.to_owned() }),
        }
    }
}

fn deduplicated(formats: Vec<Format>) -> Vec<Format> {
    let mut kept: Vec<Format> = Vec::with_capacity(formats.len());
    for format in formats {
        match kept.iter_mut().find_map(|kept| kept.union(format).map(|both| (kept, both))) {
            Some((kept, both)) => *kept = both,
            None => kept.push(format),
        }
    }
    kept
}

impl TextMapPropagator for CompositePropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        self.inject(cx, &mut InjectorHeaders(injector));
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        self.extract_into(cx.clone(), &ExtractorHeaders(extractor))
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    TraceContext,
    Baggage,
    B3(B3Propagator),
    Jaeger(JaegerPropagator),
}

impl Format {
    fn named(name: &str) -> Option<Self> {
        match name {
            "tracecontext" => Some(Self::TraceContext),
            "baggage" => Some(Self::Baggage),
            "b3" => Some(Self::B3(B3Propagator::single_header())),
            "b3multi" => Some(Self::B3(B3Propagator::multi_header())),
            "jaeger" => Some(Self::Jaeger(JaegerPropagator::new())),
            _ => None,
        }
    }

    /// Combines two entries of the same format, or returns `None` if their formats differ.
    fn union(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::B3(one), Self::B3(other)) => Some(Self::B3(one.union(other))),
            _ => (self == other).then_some(self),
        }
    }

    fn without_baggage(self) -> Option<Self> {
        match self {
            Self::Baggage => None,
            Self::Jaeger(jaeger) => Some(Self::Jaeger(jaeger.without_baggage())),
            Self::TraceContext | Self::B3(_) => Some(self),
        }
    }

    fn extract_trace<H: Headers>(&self, cx: &Context, headers: &H) -> Option<Context> {
        match self {
            Self::TraceContext => w3c::extract_trace(cx, headers),
            Self::Baggage => None,
            Self::B3(b3) => b3.extract_trace(cx, headers),
            Self::Jaeger(_) => jaeger::extract_trace(cx, headers),
        }
    }

    fn extract_baggage<H: Headers>(&self, headers: &H) -> Option<ReceivedBaggage> {
        match self {
            Self::Baggage => w3c::extract_baggage(headers),
            Self::Jaeger(jaeger) => jaeger.extract_baggage(headers).map(ReceivedBaggage::from),
            Self::TraceContext | Self::B3(_) => None,
        }
    }

    fn inject<H: HeadersMut>(&self, cx: &Context, headers: &mut H) {
        match self {
            Self::TraceContext => w3c::inject_span(cx, headers),
            Self::Baggage => w3c::inject_baggage(cx, headers),
            Self::B3(b3) => b3.inject(cx, headers),
            Self::Jaeger(jaeger) => jaeger.inject(cx, headers),
        }
    }

    fn injected_fields(&self) -> &'static [String] {
        match self {
            Self::TraceContext => &w3c::FIELDS[..2],
            Self::Baggage => &w3c::FIELDS[2..],
            Self::B3(b3) => b3.injected_fields(),
            Self::Jaeger(_) => JaegerPropagator::injected_fields(),
        }
    }
}

/// Error for a list that is empty, contains an unknown name, or contains `none` beside other names.
///
/// ```
/// use tracing_core_ext::propagation::CompositePropagator;
///
/// let error = "tracecontext,xray".parse::<CompositePropagator>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "propagators \"tracecontext,xray\": expected any of tracecontext, baggage, b3, b3multi and \
///      jaeger, separated by commas, or none alone"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositePropagatorError {
    list: String,
}

impl CompositePropagatorError {
    /// Description of the valid lists, for messages.
    pub(crate) const EXPECTED: &str =
        "any of tracecontext, baggage, b3, b3multi and jaeger, separated by commas, or none alone";
}

impl fmt::Display for CompositePropagatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "propagators {:?}: expected {}", self.list, Self::EXPECTED)
    }
}

impl Error for CompositePropagatorError {}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use http::HeaderMap;
    use opentelemetry::{KeyValue, baggage::BaggageExt};

    use super::*;
    use crate::propagation::headers::tests::headers;

    const W3C: (&str, &str) =
        ("traceparent", "00-00000000000000000000000000000a3c-00000000000000a3-01");
    const STATE: (&str, &str) = ("tracestate", "a=1");
    const B3: (&str, &str) = ("b3", "000000000000000000000000000000b3-00000000000000b3-d");
    const JAEGER: (&str, &str) = ("uber-trace-id", "1ae:1ae:0:1");
    const BAGGAGE: (&str, &str) = ("baggage", "from=w3c,more=1");
    const UBERCTX: (&str, &str) = ("uberctx-from", "jaeger");

    fn composite(list: &str) -> CompositePropagator {
        list.parse().unwrap()
    }

    /// Returns the trace id without its leading zeroes, or an empty text if no trace is continued.
    fn trace_of(list: &str, fields: &[(&'static str, &str)]) -> String {
        let cx = composite(list).extract(&headers(fields));
        let span = cx.span();
        let trace_id = span.span_context().trace_id().to_string();
        trace_id.trim_start_matches('0').to_owned()
    }

    /// Returns the sorted names of the injected fields.
    fn injected_fields(propagator: &CompositePropagator) -> Vec<String> {
        let cx = composite("tracecontext").extract(&headers(&[W3C]));
        let cx = cx.with_baggage([KeyValue::new("k", "1")]);
        let mut sent = HeaderMap::new();
        propagator.inject(&cx, &mut sent);
        let mut names: Vec<_> = sent.keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    #[test]
    fn each_name_stands_for_its_format() {
        let cases: [(&str, &[&str]); 6] = [
            ("tracecontext", &["traceparent"]),
            ("baggage", &["baggage"]),
            ("b3", &["b3"]),
            ("b3multi", &["x-b3-sampled", "x-b3-spanid", "x-b3-traceid"]),
            ("jaeger", &["uber-trace-id", "uberctx-k"]),
            ("none", &[]),
        ];
        for (list, expected) in cases {
            assert_eq!(injected_fields(&composite(list)), expected, "{list}");
        }
    }

    #[test]
    fn case_spaces_empty_names_and_repetitions_do_not_matter() {
        for list in ["b3,baggage", "B3,Baggage", " b3 ,\tbaggage,", "b3,,baggage,b3,baggage"] {
            assert_eq!(composite(list), composite("b3,baggage"), "{list:?}");
        }
        assert_eq!(composite("none,NONE"), composite("none"));
    }

    #[test]
    fn any_other_list_is_refused() {
        for list in ["", " ", ",", "b3 baggage", "b3;baggage", "xray", "none,b3", "b3,none", "b4"] {
            let error = list.parse::<CompositePropagator>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "propagators {list:?}: expected any of tracecontext, baggage, b3, b3multi and \
                     jaeger, separated by commas, or none alone"
                )
            );
        }
    }

    #[test]
    fn w3c_alone_is_recognised() {
        let with_baggage = Some(W3cPropagator::new());
        let cases = [
            ("tracecontext", Some(W3cPropagator::new().without_baggage())),
            ("tracecontext,baggage", with_baggage),
            ("baggage,tracecontext", with_baggage),
            ("baggage", None),
            ("none", None),
            ("tracecontext,b3", None),
            ("tracecontext,baggage,jaeger", None),
        ];
        for (list, expected) in cases {
            assert_eq!(composite(list).as_w3c(), expected, "{list}");
        }
    }

    #[test]
    fn the_first_format_with_a_valid_span_gives_it() {
        let all = [W3C, B3, JAEGER];
        for (list, expected) in [
            ("tracecontext,b3,jaeger", "a3c"),
            ("b3,tracecontext,jaeger", "b3"),
            ("jaeger,b3,tracecontext", "1ae"),
            ("baggage,b3multi,tracecontext", "b3"),
            ("none", ""),
        ] {
            assert_eq!(trace_of(list, &all), expected, "{list}");
        }
        assert_eq!(trace_of("tracecontext,b3", &[B3]), "b3");
        assert_eq!(trace_of("tracecontext,b3", &[("traceparent", "nonsense"), B3]), "b3");
        assert_eq!(trace_of("tracecontext,b3", &[JAEGER]), "");
    }

    #[test]
    fn a_decision_without_ids_counts_where_nobody_has_a_span() {
        let propagator = composite("b3,tracecontext");
        let alone = ("b3", "0");
        assert_eq!(trace_of("b3,tracecontext", &[alone, W3C]), "a3c");

        let mut sent = HeaderMap::new();
        propagator.inject(&propagator.extract(&headers(&[alone])), &mut sent);
        assert_eq!(sent, headers(&[alone]));
    }

    #[test]
    fn the_first_format_with_baggage_gives_all_of_it() {
        for (list, expected, entries) in
            [("baggage,jaeger", "w3c", 2), ("jaeger,baggage", "jaeger", 1)]
        {
            let cx = composite(list).extract(&headers(&[BAGGAGE, UBERCTX]));
            assert_eq!(cx.baggage().get("from").unwrap().as_str(), expected);
            assert_eq!(cx.baggage().len(), entries);
        }
        let cx = composite("baggage,jaeger").extract(&headers(&[UBERCTX]));
        assert_eq!(cx.baggage().get("from").unwrap().as_str(), "jaeger");
    }

    #[test]
    fn every_format_writes_in_its_own_words() {
        let propagator = composite("b3,tracecontext,jaeger");
        let mut sent = HeaderMap::new();
        propagator.inject(&propagator.extract(&headers(&[B3])), &mut sent);

        assert_eq!(sent["b3"], B3.1);
        assert_eq!(sent["traceparent"], "00-000000000000000000000000000000b3-00000000000000b3-01");
        assert_eq!(sent["uber-trace-id"], "000000000000000000000000000000b3:00000000000000b3:0:3");
    }

    #[test]
    fn both_forms_of_b3_are_written_where_both_are_asked_for() {
        let expected = ["b3", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid"];

        assert_eq!(injected_fields(&composite("b3,b3multi")), expected);
        assert_eq!(injected_fields(&composite("b3multi,b3")), expected);
    }

    #[test]
    fn a_tracestate_goes_along_with_its_traceparent() {
        let propagator = composite("b3,tracecontext");
        let mut sent = HeaderMap::new();
        propagator.inject(&propagator.extract(&headers(&[W3C, STATE])), &mut sent);

        assert_eq!(sent["tracestate"], STATE.1);
    }

    #[test]
    fn without_baggage_none_is_read_or_written() {
        for (list, expected) in [
            ("tracecontext,baggage,jaeger", &["traceparent", "uber-trace-id"][..]),
            ("baggage", &[]),
            ("b3", &["b3"]),
        ] {
            let propagator = composite(list).without_baggage();
            let cx = propagator.extract(&headers(&[W3C, BAGGAGE, UBERCTX]));
            assert!(cx.baggage().is_empty(), "{list}");
            assert_eq!(injected_fields(&propagator), expected, "{list}");
        }
    }

    #[test]
    fn it_serves_as_a_text_map_propagator() {
        let propagator = composite("jaeger,b3multi,baggage");
        assert!(propagator.fields().eq([
            "uber-trace-id",
            "x-b3-traceid",
            "x-b3-spanid",
            "x-b3-sampled",
            "x-b3-flags",
            "baggage",
        ]));

        let carrier: HashMap<_, _> =
            [B3, BAGGAGE].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let cx = propagator.extract_with_context(&Context::new(), &carrier);
        let mut sent = HashMap::new();
        propagator.inject_context(&cx, &mut sent);
        assert_eq!(sent["x-b3-flags"], "1");
        assert_eq!(sent["uberctx-more"], "1");

        let nothing = HashMap::<String, String>::new();
        let cx = propagator.extract_with_context(&cx, &nothing);
        assert!(cx.has_active_span(), "the given context stays");
    }
}
