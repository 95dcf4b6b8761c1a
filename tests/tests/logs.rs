//! Log lines within a request have its ids, with any `tracing` subscriber and in any format.

use opentelemetry::trace::TracerProvider;
use serde_json::Value;
use tests::{
    Framework, HandlerControl, Lines, Provider, ScriptStep, Server, Setup, SpanSink,
    on_both_frameworks,
};
use tracing::{Dispatch, Instrument, Subscriber, info, warn_span};
use tracing_core_ext::telemetry::{LogFormat, Telemetry, WithTraceIds};
use tracing_core_ext::testing::EndedSpan;
use tracing_subscriber::{
    Layer, Registry,
    fmt::{self, format::JsonFields},
    layer::SubscriberExt,
    registry::LookupSpan,
};

on_both_frameworks![
    a_line_of_the_handler_has_the_ids_of_the_request,
    a_line_in_a_span_of_the_user_has_the_ids_of_that_span,
    a_line_of_the_body_has_the_ids_of_the_request,
    a_line_of_a_task_in_the_current_span_has_the_ids_of_the_request,
    a_line_outside_of_any_request_has_none,
    no_value_ends_a_line_or_steers_a_terminal,
];

/// Subscriber of the lines: that of `Telemetry`, or one of the user with our layer, with the plain
/// layer of `tracing_opentelemetry`, or without a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Writes {
    Telemetry,
    OurLayer,
    PlainLayer,
    NoLayer,
}

use Writes::{NoLayer, OurLayer, PlainLayer};

const ALL: [Writes; 4] = [Writes::Telemetry, OurLayer, PlainLayer, NoLayer];
const FORMATS: [LogFormat; 2] = [LogFormat::Text, LogFormat::Json];

async fn a_line_of_the_handler_has_the_ids_of_the_request<F: Framework>() {
    for (writes, format) in each(&ALL) {
        let rig = Rig::serve::<F>(writes, format, |_| info!("found")).await;
        rig.visit("/work").await;
        assert_ids(&rig.line("found"), &rig.sink.only().await, writes);
    }
}

async fn a_line_in_a_span_of_the_user_has_the_ids_of_that_span<F: Framework>() {
    for (writes, format) in each(&[Writes::Telemetry, OurLayer, PlainLayer]) {
        let work = |_: &Setup| warn_span!("user").in_scope(|| info!("found"));
        let rig = Rig::serve::<F>(writes, format, work).await;
        rig.visit("/work").await;
        let spans = rig.sink.wait_for(2).await;
        assert_eq!(spans[0].name, "user");
        assert_ids(&rig.line("found"), &spans[0], writes);
    }
}

async fn a_line_of_the_body_has_the_ids_of_the_request<F: Framework>() {
    for (writes, format) in each(&ALL) {
        let rig = Rig::serve::<F>(writes, format, |_| {}).await;
        let script = rig.control.script();
        script.send(ScriptStep::Data("a")).unwrap();
        script.send(ScriptStep::Run(Box::new(|| info!("found")))).unwrap();
        drop(script);
        rig.visit("/stream").await;
        assert_ids(&rig.line("found"), &rig.sink.only().await, writes);
    }
}

async fn a_line_of_a_task_in_the_current_span_has_the_ids_of_the_request<F: Framework>() {
    for (writes, format) in each(&[Writes::Telemetry, OurLayer, PlainLayer]) {
        let rig = Rig::serve::<F>(writes, format, |setup| {
            let control = setup.control.clone();
            let task = async move {
                control.released().await;
                info!("found");
                control.enter();
            };
            tokio::spawn(task.in_current_span());
        })
        .await;
        rig.visit("/work").await;
        let request = rig.sink.only().await;
        rig.control.release();
        rig.control.entered().await;
        assert_ids(&rig.line("found"), &request, writes);
    }
}

async fn a_line_outside_of_any_request_has_none<F: Framework>() {
    for (writes, format) in each(&ALL) {
        let rig = Rig::serve::<F>(writes, format, |setup| {
            let control = setup.control.clone();
            tokio::spawn(async move {
                info!("found");
                control.enter();
            });
        })
        .await;
        rig.visit("/work").await;
        rig.control.entered().await;
        let line = rig.line("found");
        assert_eq!(line.ids, [const { None }; 3], "{writes:?}: {line:?}");
    }
}

const FORGED: &str = "tea\nERROR forged\u{9b}31m\u{202e}\u{1b}[2J\u{7f}";

async fn no_value_ends_a_line_or_steers_a_terminal<F: Framework>() {
    use LogFormat::{Full, Json, Pretty, Text};
    let work = |_: &Setup| {
        let _entered = warn_span!("user", item = FORGED, name = %FORGED).entered();
        info!(user = %FORGED, "found {FORGED}");
    };
    for (writes, format) in [Text, Full, Pretty, Json]
        .map(|format| (Writes::Telemetry, format))
        .into_iter()
        .chain([(OurLayer, Json), (PlainLayer, Json), (NoLayer, Json)])
    {
        let rig = Rig::serve::<F>(writes, format, work).await;
        rig.visit("/work").await;
        let lines = rig.lines.all();
        assert!(lines.iter().all(|line| !line.contains(is_unprintable)), "{format:?}: {lines:?}");
        if format != Pretty {
            assert!(!lines.iter().any(|line| line.starts_with("ERROR")), "{format:?}: {lines:?}");
            let escaped = if format == Json { "\\u009b" } else { "\\u{9b}" };
            let line = lines.iter().find(|line| line.contains("found")).unwrap();
            // JSON has the current span twice.
            assert!(line.matches(escaped).count() >= 4, "{format:?}: {line}");
        }
    }
}

fn is_unprintable(character: char) -> bool {
    character.is_control() || character == '\u{202e}'
}

fn each(writers: &[Writes]) -> Vec<(Writes, LogFormat)> {
    writers.iter().flat_map(|writes| FORMATS.map(|format| (*writes, format))).collect()
}

struct Rig {
    server: Server,
    control: HandlerControl,
    sink: SpanSink,
    lines: Lines,
    format: LogFormat,
    _telemetry: Telemetry,
}

impl Rig {
    async fn serve<F: Framework>(writes: Writes, format: LogFormat, work: fn(&Setup)) -> Self {
        let (sink, lines) = (SpanSink::new(), Lines::default());
        let (telemetry, dispatch) = telemetry(&sink, &lines, format);
        let (provider, subscriber) = match writes {
            Writes::Telemetry => (Provider::from(telemetry.tracer_provider().clone()), dispatch),
            other => {
                let provider = Provider::from(sink.provider());
                let subscriber = own(other, &provider, &lines, format);
                (provider, subscriber)
            }
        };
        let setup = Setup { subscriber, work, ..Setup::with_provider(provider) };
        let control = setup.control.clone();
        let server = F::serve(setup).await;
        Self { server, control, sink, lines, format, _telemetry: telemetry }
    }

    async fn visit(&self, path: &str) {
        reqwest::get(self.server.url(path)).await.unwrap().bytes().await.unwrap();
    }

    /// Returns the only line with this message.
    fn line(&self, message: &str) -> Line {
        let lines = self.lines.all();
        let mut found = lines.iter().filter(|line| line.contains(message));
        let line = found.next().unwrap_or_else(|| panic!("no {message} in {lines:?}"));
        assert_eq!(found.next(), None);
        match self.format {
            LogFormat::Json => Line::of_json(line),
            _ => Line::of_text(line),
        }
    }
}

/// Builds telemetry that exports at once.
fn telemetry(sink: &SpanSink, lines: &Lines, format: LogFormat) -> (Telemetry, Dispatch) {
    Telemetry::builder()
        .variables(|name| (name == "OTEL_BSP_SCHEDULE_DELAY").then(|| "1".to_owned()))
        .service_name("tests")
        .exporter(sink.receiver())
        .log_format(format)
        .log_writer(lines.clone())
        .build()
        .unwrap()
}

fn own(writes: Writes, provider: &Provider, lines: &Lines, format: LogFormat) -> Dispatch {
    let tracer = provider.tracer("users");
    let spans = match writes {
        OurLayer => tracing_core_ext::exchange::layer(tracer).boxed(),
        PlainLayer => tracing_opentelemetry::layer().with_tracer(tracer).boxed(),
        _ => tracing_subscriber::layer::Identity::new().boxed(),
    };
    let subscriber = Registry::default().with(spans);
    match format {
        LogFormat::Json => subscriber.with(json_lines(lines)).into(),
        _ => subscriber.with(text_lines(lines)).into(),
    }
}

fn text_lines<S>(lines: &Lines) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let format = WithTraceIds::text(fmt::format());
    fmt::layer().with_ansi(false).with_writer(lines.clone()).event_format(format)
}

fn json_lines<S>(lines: &Lines) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let format = WithTraceIds::json(fmt::format().json());
    fmt::layer().with_writer(lines.clone()).fmt_fields(JsonFields::new()).event_format(format)
}

/// Trace, span and flags in a line.
#[derive(Debug)]
struct Line {
    ids: [Option<String>; 3],
}

const MEMBERS: [&str; 3] = ["trace_id", "span_id", "trace_flags"];

impl Line {
    fn of_text(line: &str) -> Self {
        let find = |key: &str| {
            let (_, after) = line.split_once(&format!(" {key}="))?;
            after.split(' ').next().map(str::to_owned)
        };
        Self { ids: MEMBERS.map(find) }
    }

    fn of_json(line: &str) -> Self {
        let object: Value = serde_json::from_str(line).unwrap();
        Self { ids: MEMBERS.map(|key| object.get(key)?.as_str().map(str::to_owned)) }
    }
}

fn assert_ids(line: &Line, span: &EndedSpan, writes: Writes) {
    let context = &span.span_context;
    let flags = format!("{:02x}", context.trace_flags().to_u8());
    let ids = [context.trace_id().to_string(), context.span_id().to_string(), flags];
    assert_eq!(line.ids, ids.map(Some), "{writes:?}");
}
