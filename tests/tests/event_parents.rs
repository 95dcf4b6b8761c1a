//! A log line has the ids of the explicit parent of its event, and the fields of a request also in
//! formats that format fields when a span is created.

use tests::{Framework, Lines, Setup, SpanSink, on_both_frameworks, plain_subscriber};
use tracing::{Dispatch, Span, dispatcher, info, info_span};
use tracing_core_ext::telemetry::{LogFormat, WithTraceIds};
use tracing_core_ext::testing::EndedSpan;
use tracing_subscriber::{Registry, fmt, layer::SubscriberExt};

on_both_frameworks![
    a_line_about_a_request_on_another_thread_has_its_ids_and_not_those_of_the_thread,
    a_line_in_a_request_about_another_span_has_the_ids_of_that_span,
    text_lines_are_those_of_a_plain_layer,
    json_lines_are_those_of_a_plain_layer,
];

async fn a_line_about_a_request_on_another_thread_has_its_ids_and_not_those_of_the_thread<
    F: Framework,
>() {
    let (lines, spans) = served::<F>(LogFormat::Text, |_| {
        let (request, subscriber) = (Span::current(), dispatcher::get_default(Dispatch::clone));
        let work = move || {
            dispatcher::with_default(&subscriber, || {
                info!(parent: &request, "found without a span");
                let other = info_span!(parent: None, "other").entered();
                info!(parent: &request, "found in another span");
                request.in_scope(|| info!("found inside"));
                drop(other);
            });
        };
        std::thread::spawn(work).join().unwrap();
    })
    .await;
    let request = spans.iter().find(|span| span.name == "GET /work").unwrap();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    lines.iter().for_each(|line| assert_ids(line, request));
}

async fn a_line_in_a_request_about_another_span_has_the_ids_of_that_span<F: Framework>() {
    let (lines, spans) = served::<F>(LogFormat::Text, |_| {
        let job = info_span!(parent: None, "job");
        info!(parent: &job, "found");
    })
    .await;
    let job = spans.iter().find(|span| span.name == "job").unwrap();
    assert_ids(&lines[0], job);
    assert_eq!(lines.len(), 1);
}

async fn text_lines_are_those_of_a_plain_layer<F: Framework>() {
    same_lines_as_a_plain_layer::<F>(LogFormat::Text).await;
}

async fn json_lines_are_those_of_a_plain_layer<F: Framework>() {
    same_lines_as_a_plain_layer::<F>(LogFormat::Json).await;
}

async fn same_lines_as_a_plain_layer<F: Framework>(format: LogFormat) {
    let (lines, _) = served::<F>(format, several_lines).await;
    let plain = Lines::default();
    let sink = SpanSink::new();
    let mut setup = Setup { work: several_lines, ..Setup::new(&sink) };
    setup.subscriber = plain_lines(format, &plain);
    let server = F::serve(setup).await;
    reqwest::get(server.url("/work")).await.unwrap();
    sink.wait_for(1).await;
    let [lines, plain] = [lines, plain.all()].map(|all| {
        all.iter()
            .filter(|line| line.contains("found"))
            .map(|line| without_ids(line))
            .collect::<Vec<_>>()
    });
    assert_eq!(lines, plain);
    assert_eq!(lines.len(), 3);
}

fn several_lines(_: &Setup) {
    info!(left = 3, "found \"it\"");
    info_span!("user", id = 7).in_scope(|| info!("found"));
    info!("found again");
}

fn plain_lines(format: LogFormat, lines: &Lines) -> Dispatch {
    let layer = fmt::layer().with_ansi(false).without_time().with_writer(lines.clone());
    match format {
        LogFormat::Json => {
            let format = WithTraceIds::json(fmt::format().json().without_time());
            let layer = layer.json().event_format(format.service_name("tests"));
            Registry::default().with(layer).into()
        }
        _ => Registry::default().with(layer.compact()).into(),
    }
}

/// Returns a line up to its ids, which differ.
fn without_ids(line: &str) -> String {
    let end = [" trace_id=", ",\"trace_id\""].iter().find_map(|start| line.find(start));
    line[..end.unwrap_or(line.len())].trim_end_matches('}').to_owned()
}

/// Calls a handler that does `work`, and returns the lines with `found`, and the spans.
async fn served<F: Framework>(
    format: LogFormat,
    work: fn(&Setup),
) -> (Vec<String>, Vec<EndedSpan>) {
    let (sink, lines) = (SpanSink::new(), Lines::default());
    // A second subscriber, because with a single one the first thread registers callsites for all
    // threads.
    let _idle = plain_subscriber(&sink.provider().into());
    let (telemetry, subscriber) = tests::telemetry(&sink)
        .log_format(format)
        .log_without_time()
        .log_writer(lines.clone())
        .build()
        .unwrap();
    let provider = telemetry.tracer_provider().clone();
    let server = F::serve(Setup { subscriber, work, ..Setup::with_provider(provider) }).await;
    reqwest::get(server.url("/work")).await.unwrap();
    server.stop().await;
    telemetry.shutdown().unwrap();
    let found = lines.all().into_iter().filter(|line| line.contains("found"));
    (found.collect(), sink.spans())
}

fn assert_ids(line: &str, span: &EndedSpan) {
    let (trace_id, span_id) = (span.span_context.trace_id(), span.span_context.span_id());
    assert!(line.contains(&format!(" trace_id={trace_id} span_id={span_id} ")), "{line}");
}
