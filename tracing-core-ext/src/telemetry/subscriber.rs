use opentelemetry::InstrumentationScope;
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::{
    Layer, Registry, filter::LevelFilter, layer::SubscriberExt, registry::LookupSpan,
};

use super::{log_format::LogLayerConfig, telemetry::log_records::LogSource};
use crate::{
    bridge::{layer, request_subscriber, span_filter::SpanFilter},
    config::log_filter::LogFilter,
    trace::{Tracer, TracerProvider},
};

/// Layer of the user.
pub(crate) type BoxLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Builds the subscriber for log lines and OpenTelemetry spans. They have separate filters, so
/// `RUST_LOG=warn` does not affect spans.
///
/// `exported` is the provider and the level of exported `tracing` spans, or `None` if telemetry is
/// disabled. A layer of the user receives every span, so spans of requests are deferred only without such layers.
pub(crate) fn subscriber(
    exported: Option<(&TracerProvider, LevelFilter)>,
    layers: Vec<BoxLayer>,
    lines: LogLayerConfig,
    log_filter: LogFilter,
    log_records: Option<LogSource>,
) -> Dispatch {
    if let Some((provider, level)) = exported.filter(|_| layers.is_empty()) {
        let spans = SpanFilter::exported(level);
        let records = log_records.map(|records| records.layer().boxed());
        let lines = (lines.layer(), log_filter);
        return request_subscriber::dispatch(lines, records, tracer(provider), spans);
    }
    // A vector without elements disables everything.
    let layers = Some(layers).filter(|layers| !layers.is_empty());
    let spans = exported.map(|(provider, level)| spans(provider, level));
    let lines = lines.layer().with_filter(log_filter);
    // An optional layer would not receive the subscriber that it belongs to.
    let lines = match log_records {
        Some(records) => lines.and_then(records.layer()).boxed(),
        None => lines.boxed(),
    };
    Dispatch::new(tracing_subscriber::registry().with(layers).with(lines).with(spans))
}

/// Layer that exports spans up to `level`, without those of the crates that exporters use.
pub(super) fn spans<S>(provider: &TracerProvider, level: LevelFilter) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    layer::filtered(tracer(provider), SpanFilter::exported(level))
}

fn tracer(provider: &TracerProvider) -> Tracer {
    provider.tracer_with_scope(InstrumentationScope::builder(env!("CARGO_PKG_NAME")).build())
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt;
    use opentelemetry_sdk::trace::InMemorySpanExporter;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    use super::*;
    use crate::telemetry::{
        LogFormat, Telemetry, TelemetryBuilder, log_format::tests::CapturedLines,
    };

    #[test]
    fn a_layer_for_a_custom_subscriber_excludes_exporter_crates_and_lower_levels() {
        let exporter = InMemorySpanExporter::default();
        let (telemetry, _) = Telemetry::builder()
            .variables(|_| None)
            .service_name("shop")
            .exporter(exporter.clone())
            .build()
            .unwrap();
        let subscriber = tracing_subscriber::registry().with(telemetry.layer(LevelFilter::DEBUG));
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug_span!("ours").in_scope(|| {
                tracing::info_span!(target: "hyper::client", "theirs").in_scope(|| {
                    tracing::trace_span!("fine").in_scope(|| tracing::info_span!("inner"))
                })
            });
        });
        telemetry.tracer_provider().force_flush().unwrap();
        let names: Vec<_> = exporter.get_finished_spans().unwrap();
        let names: Vec<_> = names.iter().map(|span| &*span.name).collect();
        assert_eq!(names, ["inner", "ours"]);
        telemetry.shutdown().unwrap();
    }

    fn builder(lines: &CapturedLines) -> TelemetryBuilder {
        let builder = Telemetry::builder().variables(|_| None).service_name("shop");
        builder.exporter(InMemorySpanExporter::default()).log_writer(lines.clone())
    }

    fn messages(lines: &CapturedLines, dispatch: &Dispatch) -> Vec<String> {
        tracing::dispatcher::with_default(dispatch, || {
            tracing::debug!(target: "tower_http::trace", "finished");
            tracing::debug!("fine");
            tracing::info!("coarse");
        });
        let last = |line: String| line.rsplit(": ").next().map(str::to_owned);
        lines.all().into_iter().filter_map(last).collect()
    }

    #[test]
    fn directives_in_code_are_used_unless_the_environment_sets_them() {
        let from_code = |builder: TelemetryBuilder| builder.log_filter("info,tower_http=debug");
        let with_variable = |builder: TelemetryBuilder| {
            builder.variables(|name| (name == "RUST_LOG").then(|| "debug".to_owned()))
        };
        for (builder_fn, expected) in [
            (
                &from_code as &dyn Fn(TelemetryBuilder) -> TelemetryBuilder,
                &["finished", "coarse"][..],
            ),
            (&|builder| builder, &["coarse"]),
            (&|builder| with_variable(from_code(builder)), &["finished", "fine", "coarse"]),
        ] {
            let lines = CapturedLines::default();
            let (_telemetry, dispatch) = builder_fn(builder(&lines)).build().unwrap();
            assert_eq!(messages(&lines, &dispatch), expected);
        }
    }

    #[test]
    fn invalid_directives_in_code_are_refused_also_if_the_environment_sets_others() {
        for variable in [None, Some("info")] {
            let builder = Telemetry::builder().service_name("shop").log_filter("info,shop=loud");
            let builder = builder
                .variables(move |name| variable.filter(|_| name == "RUST_LOG").map(str::to_owned));
            let error = builder.build().unwrap_err().to_string();
            let expected = "expected filter directives such as info,my_service=debug";
            assert_eq!(error, format!("log_filter()=\"info,shop=loud\": {expected}"));
        }
    }

    #[test]
    fn several_layers_are_added_and_each_has_its_own_filter() {
        let [lines, errors, all] = [(); 3].map(|()| CapturedLines::default());
        let layer = |to: &CapturedLines| {
            tracing_subscriber::fmt::layer().with_ansi(false).with_writer(to.clone())
        };
        let (_telemetry, dispatch) = builder(&lines)
            .layer(layer(&errors).with_filter(LevelFilter::ERROR))
            .layer(layer(&all))
            .build()
            .unwrap();
        assert_eq!(messages(&lines, &dispatch), ["coarse"]);
        assert_eq!(errors.all(), [""; 0]);
        assert_eq!(all.all().len(), 3);
    }

    #[test]
    fn parts_of_a_line_are_optional() {
        let lines = CapturedLines::default();
        let bare = builder(&lines).log_without_time().log_target(false);
        let (_telemetry, dispatch) = bare.build().unwrap();
        messages(&lines, &dispatch);
        assert_eq!(lines.all(), [" INFO coarse"]);

        let lines = CapturedLines::default();
        let full = builder(&lines)
            .log_format(LogFormat::Full)
            .log_source_location(true)
            .log_thread_names(true)
            .log_ansi(true);
        let (_telemetry, dispatch) = full.build().unwrap();
        let thread = std::thread::current().name().unwrap().to_owned();
        messages(&lines, &dispatch);
        let line = lines.all().remove(0);
        assert!(line.contains(file!()) && line.contains(&thread), "{line:?}");
        assert!(line.contains("\u{1b}[32m INFO\u{1b}[0m"), "{line:?}");
    }

    #[test]
    fn a_line_has_the_ids_of_its_explicit_parent_at_every_level() {
        for filter in ["trace", "warn"] {
            let lines = CapturedLines::default();
            let (telemetry, dispatch) = builder(&lines).log_filter(filter).build().unwrap();
            let ids = tracing::dispatcher::with_default(&dispatch, || {
                let [first, second] = [(); 2].map(|()| tracing::info_span!(parent: None, "job"));
                let inner = tracing::trace_span!(parent: &first, "not exported");
                second.in_scope(|| {
                    tracing::warn!(parent: &first, "first");
                    tracing::warn!(parent: &second, "second");
                    tracing::warn!(parent: None, "none");
                });
                tracing::debug!(parent: &first, "first");
                tracing::debug!(parent: &inner, "first");
                [first, second].map(|span| span.context().span().span_context().trace_id())
            });
            let [first, second] = ids.map(|id| format!(" trace_id={id} "));
            for line in lines.all() {
                let expected = [line.contains(": first"), line.contains(": second")];
                assert_eq!([line.contains(&first), line.contains(&second)], expected, "{line}");
                assert_eq!(line.contains("trace_id"), !line.contains(": none"), "{line}");
            }
            assert_eq!(lines.all().len(), if filter == "warn" { 3 } else { 5 });
            telemetry.shutdown().unwrap();
        }
    }

    #[test]
    fn an_explicit_parent_of_another_subscriber_has_no_ids() {
        let [lines, other] = [(); 2].map(|()| CapturedLines::default());
        let (_telemetry, dispatch) = builder(&lines).build().unwrap();
        let (_other, foreign) = builder(&other).build().unwrap();
        let span = tracing::dispatcher::with_default(&foreign, || tracing::info_span!("job"));
        tracing::dispatcher::with_default(&dispatch, || tracing::info!(parent: &span, "found"));
        assert!(!lines.all()[0].contains("trace_id"), "{:?}", lines.all());
    }
}
