//! Records of the crate `log` are written like events of `tracing`. Telemetry is installed once in
//! a process, so this is one test.

use actix_web::{App, middleware::Logger, test, web};
use tests::{Actix, Axum, Framework, Lines, Setup, SpanSink};
use tracing::{Dispatch, dispatcher};
use tracing_actix_middleware::Tracing;
use tracing_core_ext::telemetry::Telemetry;

#[actix_web::test]
async fn records_of_the_crate_log_are_lines_with_their_target_and_the_ids_of_the_request() {
    let (sink, lines) = (SpanSink::new(), Lines::default());
    let telemetry = tests::telemetry(&sink)
        .log_writer(lines.clone())
        .log_filter("info,rustls=warn,sqlx=debug")
        .install()
        .unwrap();

    handlers::<Axum>(&telemetry, &sink, &lines).await;
    handlers::<Actix>(&telemetry, &sink, &lines).await;
    access_log(&telemetry, &sink, &lines).await;
    filters(&lines);
    assert_eq!(log::max_level(), log::LevelFilter::Debug);
    telemetry.shutdown().unwrap();
}

async fn handlers<F: Framework>(telemetry: &Telemetry, sink: &SpanSink, lines: &Lines) {
    let subscriber = dispatcher::get_default(Dispatch::clone);
    let work = |_: &Setup| log::debug!(target: "sqlx::query", "select {}", 1);
    let provider = telemetry.tracer_provider().clone();
    let server = F::serve(Setup { subscriber, work, ..Setup::with_provider(provider) }).await;
    reqwest::get(server.url("/work")).await.unwrap();
    server.stop().await;
    let line = last(lines, "select 1");
    assert!(line.contains("DEBUG request: sqlx::query: select 1 "), "{line}");
    assert_ids(&line, telemetry, sink);
}

/// Access log of actix-web.
async fn access_log(telemetry: &Telemetry, sink: &SpanSink, lines: &Lines) {
    let ok = web::get().to(async || "ok");
    let app = App::new().route("/logged", ok).wrap(Logger::new("%r %s")).wrap(Tracing::new());
    let app = test::init_service(app).await;
    let request = test::TestRequest::get().uri("/logged").to_request();
    test::call_and_read_body(&app, request).await;
    let line = last(lines, "GET /logged HTTP/1.1 200");
    assert!(line.contains(" INFO actix_web::middleware::logger: GET /logged"), "{line}");
    assert_ids(&line, telemetry, sink);
}

/// Directives apply to the target of the record. A check whether a record is enabled has no effect
/// on later lines.
fn filters(lines: &Lines) {
    assert!(!log::log_enabled!(target: "rustls", log::Level::Trace));
    let _ = log::log_enabled!(target: "rustls", log::Level::Debug);
    log::info!(target: "rustls::client", "hidden");
    log::debug!(target: "shop", "hidden");
    log::info!(target: "shop", "shown after hidden ones");
    let _ = log::log_enabled!(target: "rustls", log::Level::Debug);
    tracing::info!("an event after hidden records");
    assert!(!lines.all().iter().any(|line| line.contains(": hidden")), "{:?}", lines.all());
    assert!(last(lines, "shown after hidden ones").contains(" INFO shop: shown"));
    last(lines, "an event after hidden records");
}

/// Returns the last line with this text.
fn last(lines: &Lines, text: &str) -> String {
    let lines = lines.all();
    let found = lines.iter().rev().find(|line| line.contains(text));
    found.unwrap_or_else(|| panic!("no {text} in {lines:#?}")).clone()
}

/// Asserts that the line has the ids of the span that ended last.
fn assert_ids(line: &str, telemetry: &Telemetry, sink: &SpanSink) {
    telemetry.tracer_provider().force_flush().unwrap();
    let context = sink.spans().pop().unwrap().span_context.clone();
    let ids = format!(" trace_id={} span_id={} ", context.trace_id(), context.span_id());
    assert!(line.contains(&ids), "{line}");
}
