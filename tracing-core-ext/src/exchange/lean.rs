use std::{borrow::Cow, sync::Arc, time::SystemTime};

use opentelemetry::{
    Context, InstrumentationScope, KeyValue, time,
    trace::{Event, Link, Span, SpanContext, SpanKind, Status, TraceContextExt},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLimits, SpanLinks};

use super::{
    end_only::Ends,
    start::{CAPACITY, Start},
};
use crate::propagation::extracted::ParentRef;

/// Makes spans of a provider without the detours of its tracer, for one scope.
#[derive(Debug)]
pub(crate) struct Lean {
    ends: Arc<Ends>,
    limits: SpanLimits,
    scope: InstrumentationScope,
}

impl Lean {
    /// `None` where the provider that describes itself like this has to make its spans itself.
    pub(super) fn of(described: &str, scope: &InstrumentationScope) -> Option<Arc<Self>> {
        let ends = Ends::of(described)?;
        Some(Arc::new(Self { ends, limits: limits(described)?, scope: scope.clone() }))
    }

    #[inline]
    pub(super) fn is_shut_down(&self) -> bool {
        self.ends.is_shut_down()
    }

    /// `cx` with a span that is sampled.
    pub(super) fn start(
        self: &Arc<Self>,
        start: Start<'_>,
        cx: &Context,
        identity: SpanContext,
        parent: ParentRef,
    ) -> Context {
        let Start { kind, clock, link, description } = start;
        let start_time = clock.start_time();
        let mut attributes = Vec::with_capacity(CAPACITY);
        let name = description.sampling_attributes(&mut attributes);
        description.recorded_attributes(&mut attributes);
        let mut span = LeanSpan {
            open: Some(Open { identity, parent, kind, name, start_time, attributes, more: None }),
            lean: Arc::clone(self),
        };
        span.limit_attributes();
        if let Some(link) = link {
            span.add_link(*link, Vec::new());
        }
        cx.with_span(span)
    }
}

/// The limits in ` span_limits: SpanLimits { max_events_per_span: 128, … }`.
fn limits(described: &str) -> Option<SpanLimits> {
    let (_, limits) = described.split_once(", span_limits: SpanLimits { ")?;
    let (limits, _) = limits.split_once(" }")?;
    let limit = |name: &str| {
        let mut fields = limits.split(", ").filter_map(|field| field.split_once(": "));
        fields.find(|(known, _)| *known == name)?.1.parse().ok()
    };
    Some(SpanLimits {
        max_events_per_span: limit("max_events_per_span")?,
        max_attributes_per_span: limit("max_attributes_per_span")?,
        max_links_per_span: limit("max_links_per_span")?,
        max_attributes_per_event: limit("max_attributes_per_event")?,
        max_attributes_per_link: limit("max_attributes_per_link")?,
    })
}

static ENDED: SpanContext = SpanContext::NONE;

/// A span as the SDK's is, which ends where its provider's do. It is always in a context, which knows its identity.
#[derive(Debug)]
struct LeanSpan {
    open: Option<Open>,
    lean: Arc<Lean>,
}

/// A span that has not ended.
#[derive(Debug)]
struct Open {
    identity: SpanContext,
    parent: ParentRef,
    kind: SpanKind,
    name: Cow<'static, str>,
    start_time: SystemTime,
    attributes: Vec<KeyValue>,
    more: Option<Box<More>>,
}

/// What few spans have: moving it would cost all of them.
#[derive(Debug, Default)]
struct More {
    dropped_attributes: u32,
    events: SpanEvents,
    links: SpanLinks,
    status: Status,
}

impl Open {
    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }
}

impl LeanSpan {
    fn limit_attributes(&mut self) {
        let Some(open) = &mut self.open else { return };
        let dropped = limit(&mut open.attributes, self.lean.limits.max_attributes_per_span);
        if dropped > 0 {
            open.more().dropped_attributes += dropped;
        }
    }

    fn finish(&mut self, end: Option<SystemTime>) {
        let Some(open) = self.open.take() else { return };
        let more = open.more.map(|more| *more).unwrap_or_default();
        self.lean.ends.end(SpanData {
            span_context: open.identity,
            parent_span_id: open.parent.span_id,
            parent_span_is_remote: open.parent.is_remote,
            span_kind: open.kind,
            name: open.name,
            start_time: open.start_time,
            end_time: end.unwrap_or_else(time::now),
            attributes: open.attributes,
            dropped_attributes_count: more.dropped_attributes,
            events: more.events,
            links: more.links,
            status: more.status,
            instrumentation_scope: self.lean.scope.clone(),
        });
    }
}

/// Leaves out what is too much, and counts it.
fn limit(attributes: &mut Vec<KeyValue>, limit: u32) -> u32 {
    let dropped = attributes.len().saturating_sub(limit as usize);
    attributes.truncate(limit as usize);
    dropped as u32
}

impl Span for LeanSpan {
    fn add_event_with_timestamp<T>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        mut attributes: Vec<KeyValue>,
    ) where
        T: Into<Cow<'static, str>>,
    {
        let (Some(open), limits) = (&mut self.open, &self.lean.limits) else { return };
        let events = &mut open.more().events;
        if events.events.len() >= limits.max_events_per_span as usize {
            events.dropped_count += 1;
            return;
        }
        let dropped = limit(&mut attributes, limits.max_attributes_per_event);
        events.events.push(Event::new(name, timestamp, attributes, dropped));
    }

    fn span_context(&self) -> &SpanContext {
        self.open.as_ref().map_or(&ENDED, |open| &open.identity)
    }

    fn is_recording(&self) -> bool {
        self.open.is_some()
    }

    #[inline]
    fn set_attribute(&mut self, attribute: KeyValue) {
        if let Some(open) = &mut self.open {
            open.attributes.push(attribute);
            self.limit_attributes();
        }
    }

    /// Ok, an error and nothing: what stands before the other stays.
    fn set_status(&mut self, status: Status) {
        if let Some(open) = &mut self.open
            && open.more().status < status
        {
            open.more().status = status;
        }
    }

    fn update_name<T>(&mut self, name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        if let Some(open) = &mut self.open {
            open.name = name.into();
        }
    }

    fn add_link(&mut self, span_context: SpanContext, mut attributes: Vec<KeyValue>) {
        let (Some(open), limits) = (&mut self.open, &self.lean.limits) else { return };
        let links = &mut open.more().links;
        if links.links.len() >= limits.max_links_per_span as usize {
            links.dropped_count += 1;
            return;
        }
        let dropped = limit(&mut attributes, limits.max_attributes_per_link);
        links.links.push(Link::new(span_context, attributes, dropped));
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.finish(Some(timestamp));
    }
}

impl Drop for LeanSpan {
    fn drop(&mut self) {
        self.finish(None);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Request;
    use opentelemetry::{TraceFlags, TraceId, trace::TraceState};
    use opentelemetry_sdk::trace::{
        InMemorySpanExporter, Sampler, SdkTracerProvider, SimpleSpanProcessor,
        TracerProviderBuilder,
    };

    use super::*;
    use crate::{
        exchange::{
            builder::Builder, end_only::EndOnly, instrumentation::Instrumentation,
            options::TrustPolicy, outcome::Outcome,
        },
        http::ResponseHead,
    };

    const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";
    const TIGHT: SpanLimits = SpanLimits {
        max_events_per_span: 1,
        max_attributes_per_span: 5,
        max_links_per_span: 0,
        max_attributes_per_event: 1,
        max_attributes_per_link: 0,
    };

    fn provider(builder: TracerProviderBuilder) -> (SdkTracerProvider, InMemorySpanExporter) {
        let exporter = InMemorySpanExporter::default();
        let processor = EndOnly::new(SimpleSpanProcessor::new(exporter.clone()));
        (builder.with_span_processor(processor).build(), exporter)
    }

    fn is_lean(provider: &SdkTracerProvider) -> bool {
        Lean::of(&format!("{provider:?}"), &InstrumentationScope::default()).is_some()
    }

    /// What is exported of a request that uses everything, by the SDK and without its help.
    fn by_both(
        limits: SpanLimits,
        traceparent: Option<&str>,
        policy: TrustPolicy,
    ) -> [SpanData; 2] {
        let builder = || SdkTracerProvider::builder().with_span_limits(limits);
        let exporter = InMemorySpanExporter::default();
        let by_sdk = builder().with_simple_exporter(exporter.clone()).build();
        let (by_us, of_us) = provider(builder());
        assert!(is_lean(&by_us) && !is_lean(&by_sdk));
        [(by_sdk, exporter), (by_us, of_us)].map(|(provider, exporter)| {
            serve(&provider, traceparent, policy);
            let mut spans = exporter.get_finished_spans().unwrap();
            assert_eq!(spans.len(), 1, "{spans:#?}");
            spans.remove(0)
        })
    }

    fn serve(provider: &SdkTracerProvider, traceparent: Option<&str>, policy: TrustPolicy) {
        let builder = Builder::<Instrumentation>::new("test", "1").tracer_provider(provider);
        let mut request = Request::post("/items?a=1").header("host", "shop.example");
        if let Some(traceparent) = traceparent {
            request =
                request.header("traceparent", traceparent).header("tracestate", "a=1,b@c@d=2");
        }
        let mut exchange = builder.trust(policy).build().start_server(&request.body(()).unwrap());
        let span = exchange.request_span().unwrap();
        span.set_attribute("cart.items", 3);
        span.record_error(&std::fmt::Error);
        span.record_error(&std::fmt::Error);
        let link =
            SpanContext::new(1.into(), 2.into(), TraceFlags::SAMPLED, true, TraceState::NONE);
        span.context().span().add_link(link, vec![KeyValue::new("a", 1)]);
        span.set_route("POST", "/items");
        let headers = &http::HeaderMap::new();
        exchange.on_response(&ResponseHead { status: 503, length: None, headers });
        exchange.end(Outcome::Complete);
        assert!(!span.is_recording());
        span.set_attribute("too.late", true);
    }

    /// The two, but for what differs with every span.
    fn assert_same([sdk, mut ours]: [SpanData; 2]) {
        let now = |span: &SpanData| (span.start_time, span.end_time);
        assert!(
            now(&ours).0 <= now(&ours).1 && now(&ours).1 - Duration::from_secs(60) < now(&ours).0
        );
        assert!(ours.span_context.is_valid() && ours.span_context != sdk.span_context);
        let (context, sdks) = (&ours.span_context, &sdk.span_context);
        assert_eq!(context.trace_flags(), sdks.trace_flags());
        assert_eq!(context.trace_state(), sdks.trace_state());
        assert_eq!(context.is_remote(), sdks.is_remote());
        ours.span_context = sdk.span_context.clone();
        (ours.start_time, ours.end_time) = now(&sdk);
        let times = sdk.events.events.iter().map(|event| event.timestamp);
        ours.events.events.iter_mut().zip(times).for_each(|(event, time)| event.timestamp = time);
        assert_eq!(ours, sdk);
    }

    #[test]
    fn what_is_exported_is_what_the_sdk_exports() {
        for limits in [SpanLimits::default(), TIGHT] {
            for policy in [TrustPolicy::Trust, TrustPolicy::LinkOnly, TrustPolicy::Ignore] {
                for traceparent in [None, Some(TRACEPARENT)] {
                    assert_same(by_both(limits, traceparent, policy));
                }
            }
        }
    }

    #[test]
    fn a_span_is_made_by_the_provider_where_anything_else_wants_to_know_of_it() {
        #[derive(Clone, Debug)]
        struct Own;

        impl opentelemetry_sdk::trace::IdGenerator for Own {
            fn new_trace_id(&self) -> TraceId {
                7.into()
            }

            fn new_span_id(&self) -> opentelemetry::SpanId {
                9.into()
            }
        }

        let builder = SdkTracerProvider::builder;
        let (two, _) = provider(builder().with_simple_exporter(InMemorySpanExporter::default()));
        assert!(!is_lean(&two));

        let (own_ids, exporter) = provider(builder().with_id_generator(Own));
        serve(&own_ids, None, TrustPolicy::Trust);
        assert_eq!(exporter.get_finished_spans().unwrap()[0].span_context.trace_id(), 7.into());
    }

    #[test]
    fn a_ratio_of_the_traces_that_start_here_is_sampled() {
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(0.5)));
        let (provider, exporter) = provider(SdkTracerProvider::builder().with_sampler(sampler));
        (0..200).for_each(|_| serve(&provider, None, TrustPolicy::Trust));
        let sampled = exporter.get_finished_spans().unwrap();
        assert!((50..150).contains(&sampled.len()), "{} of 200", sampled.len());
        for span in sampled {
            let id = u128::from_be_bytes(span.span_context.trace_id().to_bytes()) as u64;
            assert!(id >> 1 < 1 << 62, "its services would not sample {id:x}");
        }
    }

    #[test]
    fn after_shutdown_the_callers_context_flows_through() {
        let (provider, exporter) = provider(SdkTracerProvider::builder());
        let builder = Builder::<Instrumentation>::new("test", "1").tracer_provider(&provider);
        let instrumentation = builder.build();
        let receive = |traceparent: &str| {
            let request = Request::get("/").header("traceparent", traceparent).body(()).unwrap();
            instrumentation.start_server(&request)
        };
        let open = receive(TRACEPARENT);
        provider.shutdown().unwrap();
        drop(open);
        for traceparent in [TRACEPARENT, &TRACEPARENT.replace("-03", "-00")] {
            let span = receive(traceparent).request_span().unwrap();
            assert_eq!(span.span_id().to_string(), traceparent[36..52]);
        }
        assert!(exporter.get_finished_spans().unwrap().is_empty());
    }

    #[test]
    fn a_span_whose_context_is_dropped_ends() {
        let (provider, exporter) = provider(SdkTracerProvider::builder());
        let lean = Lean::of(&format!("{provider:?}"), &InstrumentationScope::default()).unwrap();
        let open = Open {
            identity: SpanContext::new(
                1.into(),
                2.into(),
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            parent: ParentRef { span_id: 3.into(), is_remote: true },
            kind: SpanKind::Server,
            name: "GET".into(),
            start_time: SystemTime::UNIX_EPOCH,
            attributes: Vec::new(),
            more: None,
        };
        drop(Context::new().with_span(LeanSpan { open: Some(open), lean }));
        let span = &exporter.get_finished_spans().unwrap()[0];
        assert!(span.end_time > span.start_time);
    }
}
