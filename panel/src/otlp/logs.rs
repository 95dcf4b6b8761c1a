//! Conversion of the log records of a request.

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest, logs::v1 as proto,
};

use super::reader::Reader;
use crate::model::{Interner, LogRecord, Resource, Scope, Severity, SpanId, TraceId, now};

/// Returns the records and the number of truncated values.
pub(super) fn read(
    interner: &mut Interner,
    request: ExportLogsServiceRequest,
) -> (Vec<LogRecord>, usize) {
    let mut reader = Reader::new(interner);
    let mut records = Vec::new();
    for of_resource in request.resource_logs {
        let resource = reader.resource(of_resource.resource, &of_resource.schema_url);
        for of_scope in of_resource.scope_logs {
            let scope = reader.scope(of_scope.scope, &of_scope.schema_url);
            let read = of_scope.log_records.into_iter();
            records.extend(read.map(|record| read_record(&mut reader, &resource, &scope, record)));
        }
    }
    (records, reader.truncated)
}

fn read_record(
    reader: &mut Reader<'_>,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
    record: proto::LogRecord,
) -> LogRecord {
    let (attributes, dropped_attributes) =
        reader.attributes(record.attributes, record.dropped_attributes_count);
    let times = [record.time_unix_nano, record.observed_time_unix_nano];
    let body = record.body.and_then(|body| reader.value(body));
    LogRecord {
        time: times.into_iter().find(|time| *time > 0).unwrap_or_else(now),
        observed: record.observed_time_unix_nano,
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        severity: Severity::from_number(record.severity_number),
        severity_text: reader.boxed(&record.severity_text),
        event_name: reader.boxed(&record.event_name),
        body: body.map_or_else(|| Arc::from(""), |body| reader.text(&body.text())),
        attributes,
        dropped_attributes,
        trace_id: TraceId::from_slice(&record.trace_id),
        span_id: SpanId::from_slice(&record.span_id),
        flags: record.flags,
    }
}
