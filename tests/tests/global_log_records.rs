//! Installed telemetry exports events and records of the crate `log` as log records, and traces no
//! export. Telemetry is installed once in a process, so this is one test.

use serde_json::Value;
use tests::{Actix, Axum, Framework, LogSink, Setup, SpanSink, log_attribute};
use tracing::{Dispatch, dispatcher};
use tracing_core_ext::telemetry::Telemetry;

/// Clients log what they send. That of the exporter is one of them.
const FILTER: &str =
    "off,global_log_records=info,sqlx=debug,reqwest=trace,hyper_util::client=trace";

// The collector runs on another thread than the test, which waits for exports.
#[tokio::test(flavor = "multi_thread")]
async fn installed_telemetry_exports_records_of_the_crate_log_and_none_of_its_own_exports() {
    let (sink, logs) = (SpanSink::new(), LogSink::start());
    let telemetry = logs.telemetry(&sink, &[]).log_export_filter(FILTER).install().unwrap();

    of_handler::<Axum>(&telemetry, &sink, &logs).await;
    of_handler::<Actix>(&telemetry, &sink, &logs).await;

    let is_of_client = |record: &Value| record["scope"] != module_path!();
    assert!(logs.records().iter().any(is_of_client), "a client of the test logs");
    let before = logs.records().len();
    tracing::info!("last");
    telemetry.force_flush().unwrap();
    telemetry.shutdown().unwrap();
    assert_eq!(logs.records().len(), before + 1, "an export causes no record: {logs:#?}");
}

async fn of_handler<F: Framework>(telemetry: &Telemetry, sink: &SpanSink, logs: &LogSink) {
    let subscriber = dispatcher::get_default(Dispatch::clone);
    let work = |_: &Setup| {
        log::debug!(target: "sqlx::query", "select {}", 1);
        tracing::warn!(item = "tea", "sold out");
    };
    let provider = telemetry.tracer_provider().clone();
    let server = F::serve(Setup { subscriber, work, ..Setup::with_provider(provider) }).await;
    reqwest::get(server.url("/work")).await.unwrap();
    server.stop().await;
    telemetry.force_flush().unwrap();
    let span = sink.spans().pop().unwrap().span_context.clone();
    let records = logs.records();
    let of_trace = |body: &str| {
        let id = span.trace_id().to_string();
        let is_it = |it: &&Value| it["body"]["stringValue"] == body && it["traceId"] == *id;
        let found: Vec<_> = records.iter().filter(is_it).cloned().collect();
        let [record] = &found[..] else { panic!("one {body} of {id} in {records:#?}") };
        assert_eq!(record["spanId"], span.span_id().to_string());
        record.clone()
    };
    let record = of_trace("select 1");
    assert_eq!((&record["scope"], &record["severityNumber"]), (&"sqlx::query".into(), &5.into()));
    assert_eq!(log_attribute(&record, "code.file.path").unwrap(), file!());
    assert!(log_attribute(&record, "code.line.number").is_some());
    assert_eq!(log_attribute(&record, "log.target"), None);
    let record = of_trace("sold out");
    assert_eq!((&record["scope"], &record["severityNumber"]), (&module_path!().into(), &13.into()));
}
