//! Set-up of a whole service: tracer provider, propagator, log lines and exporters.
//!
//! ```
//! use tracing_core_ext::telemetry::Telemetry;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let telemetry = Telemetry::builder().service_name("checkout").install()?;
//!
//! tracing::info!("ready");
//! // … serve …
//!
//! telemetry.shutdown()?;
//! # Ok(())
//! # }
//! ```
//!
//! Without any configuration each trace is printed as a [`Waterfall`] on standard output;
//! [`Console`] has its options. Log lines are written to standard error, filtered by `RUST_LOG`,
//! and contain the ids of the current span.
//!
//! # Log lines
//!
//! | source of the lines | set-up |
//! | --- | --- |
//! | [`Telemetry::install`](TelemetryBuilder::install) | nothing: [`log_format`](TelemetryBuilder::log_format) selects the format, [`log_filter`](TelemetryBuilder::log_filter) the lines, [`log_writer`](TelemetryBuilder::log_writer) the destination, and [`layer`](TelemetryBuilder::layer) adds other layers |
//! | a `tracing` subscriber of the service | [`install_without_subscriber`](TelemetryBuilder::install_without_subscriber); wrap its format in [`WithTraceIds`]; [`Telemetry::layer`] exports its spans, [`Telemetry::log_layer`] its events |
//! | the crate `log` | nothing after `install`: its records become events of `tracing` with their target. If `log` already has a logger, that logger receives the records |
//! | another logger | read `trace_id` and `span_id` of the current OpenTelemetry context |
//!
//! With any of them, `Context::current()` has the span of the request in the handler, in inner
//! middleware and in the body, so that every line there belongs to the trace.
//!
//! # Export of log records
//!
//! Events of `tracing`, and records of the crate `log`, are exported as log records of OpenTelemetry if
//! code ([`otlp_logs`](TelemetryBuilder), [`console_logs`](TelemetryBuilder::console_logs)) or
//! environment (`OTEL_LOGS_EXPORTER`, `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`) selects it. It is not the
//! default, also with a collector for spans: log lines are printed already, and many backends of traces
//! accept no logs. Printing and export have separate filters.
//!
//! | part of a record | source |
//! | --- | --- |
//! | trace id, span id, flags | the event's own span, as in the printed line |
//! | timestamp, severity, body | time, level and message of the event |
//! | name of the scope | target |
//! | event name | `info!(name: "order.placed", …)` |
//! | attributes | the other fields, as integers, floats, booleans or strings; `code.file.path`, `code.line.number` |
//! | `exception.message` | the first field of the type `&dyn Error`, with the messages of its sources |
//!
//! With `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN=logs` the exceptions of spans are log records with the ids
//! of the span, instead of span events; `logs/dup` makes both. Their names and severities are those of
//! the conventions: `http.server.request.exception` (ERROR), `http.client.request.exception` (WARN),
//! `rpc.server.call.exception`, `rpc.client.call.exception`, and otherwise `exception`. The filter of
//! log records does not apply to them. Spans of another provider keep span events.
//!
//! # Environment variables
//!
//! | variable | meaning |
//! | --- | --- |
//! | `OTEL_CONFIG_FILE` | path of a [configuration file](#configuration-file), which replaces all other variables that start with `OTEL_` |
//! | `OTEL_SERVICE_NAME` | name of the service, unless code sets it |
//! | `OTEL_RESOURCE_ATTRIBUTES` | `key=value,…`; `service.name` in it takes precedence only over the name of the package |
//! | `K8S_POD_NAME`, `K8S_NODE_NAME`, … | attributes of the pod, see [`ResourceDetectors`] |
//! | `OTEL_PROPAGATORS` | `tracecontext,baggage` by default, see [`CompositePropagator`]; `none` propagates nothing |
//! | `OTEL_SDK_DISABLED` | `true`: nothing is recorded, and context is propagated. The Prometheus endpoint of code serves health and collectors, without metrics. The only variables read are `OTEL_PROPAGATORS`, `OTEL_SERVICE_NAME`, `OTEL_EXPORTER_PROMETHEUS_…` and those of log lines |
//! | `OTEL_TRACES_EXPORTER` | any of `otlp`, `jaeger`, `console` and `console-json`, separated by commas, or `none`; by default those whose endpoint is set, or else `console` |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | sampler of spans: `parentbased_always_on` by default |
//! | `OTEL_RUST_TRACES_SAMPLER_RULES` | rules that precede the sampler, such as `/health=drop, GET /search/*=0.1, route:/items/{id}=keep` |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` | URL of the collector; over HTTP `/v1/traces`, `/v1/metrics` and `/v1/logs` are appended. By default `http://localhost:4318`, or `:4317` over gRPC |
//! | `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf` by default, `http/json` or `grpc` |
//! | `OTEL_EXPORTER_OTLP_HEADERS` | `name=value,…`, headers (over gRPC metadata) of each export |
//! | `OTEL_EXPORTER_OTLP_TIMEOUT` | time limit of an export with all its attempts in milliseconds, 10000 by default; 0 means no limit |
//! | `OTEL_EXPORTER_OTLP_COMPRESSION` | `none` by default, or `gzip` |
//! | `OTEL_EXPORTER_OTLP_CERTIFICATE` | path of the certificates, in PEM, that are trusted instead of the system's; with the feature `tls` |
//! | `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_KEY` | paths of the certificate and the key for a collector that requires them |
//! | `OTEL_EXPORTER_OTLP_INSECURE` | `true`: a gRPC endpoint without a scheme is used without TLS |
//! | `OTEL_EXPORTER_OTLP_TRACES_…`, `OTEL_EXPORTER_OTLP_METRICS_…`, `OTEL_EXPORTER_OTLP_LOGS_…` | each of these for one signal, takes precedence over the general one. An endpoint is used unchanged |
//! | `OTEL_EXPORTER_JAEGER_AGENT_HOST`, `…_AGENT_PORT` | address of Jaeger's agent, for export over UDP, `localhost` and `6831` by default (feature `jaeger`, as the next four) |
//! | `OTEL_EXPORTER_JAEGER_ENDPOINT` | URL of Jaeger's collector, for export over HTTP instead; it ends in `/api/traces` |
//! | `OTEL_EXPORTER_JAEGER_PROTOCOL` | `udp/thrift.compact` or `http/thrift.binary`, if both are set |
//! | `OTEL_EXPORTER_JAEGER_USER`, `…_PASSWORD` | Basic authentication at the collector |
//! | `OTEL_EXPORTER_JAEGER_TIMEOUT` | time limit of an export to the collector with all its attempts in milliseconds, 10000 by default; 0 means no limit |
//! | `OTEL_METRICS_EXPORTER` | `none` by default; `prometheus` serves metrics as [`Prometheus::new`] in code does, `otlp` exports them, `prometheus,otlp` does both |
//! | `OTEL_METRIC_EXPORT_INTERVAL` | time between exports of metrics in milliseconds, 60000 by default |
//! | `OTEL_METRIC_EXPORT_TIMEOUT` | time limit of an export of metrics in milliseconds, 30000 by default, unless that of OTLP is shorter |
//! | `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` | `cumulative` by default, `delta` or `lowmemory` |
//! | `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` | `explicit_bucket_histogram` by default, or `base2_exponential_bucket_histogram` if Prometheus does not scrape as well |
//! | `OTEL_EXPORTER_PROMETHEUS_HOST`, `OTEL_EXPORTER_PROMETHEUS_PORT` | address of the listener, `127.0.0.1` and `9464` by default; port 0 selects any free port |
//! | `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BSP_SCHEDULE_DELAY` | limits of the queue of each exporter: 2048 spans (and 64 MiB), batches of 512 spans, a delay of 5000 milliseconds (100 for the console; 0 is 1) |
//! | `OTEL_BSP_EXPORT_TIMEOUT` | time limit of an export of spans in milliseconds, 30000 by default, unless that of OTLP or of Jaeger is shorter |
//! | `OTEL_LOGS_EXPORTER` | `otlp`, `console` (JSON on standard output), both separated by a comma, or `none`; by default `otlp` if `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` is set, or else `none` |
//! | `OTEL_BLRP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BLRP_SCHEDULE_DELAY` | limits of the queue of each exporter of log records: 2048 records (and 64 MiB), batches of 512, a delay of 1000 milliseconds (100 for the console) |
//! | `OTEL_BLRP_EXPORT_TIMEOUT` | time limit of an export of log records in milliseconds, 30000 by default, unless that of OTLP is shorter |
//! | `OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT`, `OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT` | attributes of a log record, 128 by default, and characters of a string value, unlimited by default; without them those of `OTEL_ATTRIBUTE_…` |
//! | `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` | `logs` or `logs/dup`: exceptions are log records, or both log records and span events. Span events by default, and without an exporter of log records |
//! | `OTEL_ATTRIBUTE_COUNT_LIMIT`, `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, `OTEL_SPAN_EVENT_COUNT_LIMIT`, `OTEL_SPAN_LINK_COUNT_LIMIT`, `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`, `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT` | limits of a span, 128 of each by default |
//! | `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` | largest number of characters in a string value of any span |
//! | `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS` | methods that are recorded by their name, separated by commas; all others are `_OTHER` |
//! | `RUST_LOG` | filter of log lines, `info,opentelemetry=warn` by default |
//! | `NO_COLOR`, `TERM=dumb` | no colours, also on a terminal |
//! | `COLUMNS` | width of a waterfall that is not printed on a terminal, 120 columns by default |
//!
//! The environment is read when telemetry is set up, and `COLUMNS` for each printed trace. Code
//! takes precedence over the variable of a signal, which takes precedence over the variable of all
//! signals, which takes precedence over the default. If code sets an exporter, those of the
//! environment are not used.
//!
//! The rules are those of the OpenTelemetry environment variable specification:
//!
//! - An empty value counts as unset. Words may be in any case.
//! - A word, number or boolean that is not valid is ignored, with one warning that contains the
//!   variable, its value and the valid values. An invalid boolean is `false`. In lists, such as
//!   `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_PROPAGATORS` and `RUST_LOG`, the valid elements are used.
//! - A time limit of zero means no limit.
//! - A suspicious value is used, with one warning: a port that is known for another protocol, a
//!   missing or duplicate path, or quotes of an `.env` file, which are removed.
//! - A setting without which nothing can be exported is a [`TelemetryError`]: an endpoint, a
//!   certificate, a key, or an exporter whose feature is off.
//!
//! [`strict`](TelemetryBuilder::strict) turns these warnings into errors.
//!
//! # Configuration file
//!
//! `OTEL_CONFIG_FILE` or [`config_file`](TelemetryBuilder::config_file) is the path of a file in
//! YAML with the schema 1.x of OpenTelemetry's
//! [declarative configuration](https://opentelemetry.io/docs/specs/otel/configuration/). The
//! variables of the table above that start with `OTEL_` are then ignored, and code still takes
//! precedence.
//!
//! ```yaml
//! file_format: "1.1"
//! resource:
//!   attributes:
//!     - { name: service.name, value: checkout }
//!   detection/development:
//!     detectors: [ service: , host: , process: , container: , kubernetes: ]
//! propagator:
//!   composite: [ tracecontext: , baggage: ]
//! tracer_provider:
//!   processors:
//!     - batch:
//!         exporter:
//!           otlp_http:
//!             endpoint: ${COLLECTOR:-http://localhost:4318}/v1/traces
//!   sampler:
//!     parent_based: { root: { trace_id_ratio_based: { ratio: 0.1 } } }
//! ```
//!
//! `${NAME}`, `${env:NAME}` and `${NAME:-default}` in values are replaced by the variable, and `$$`
//! is one `$`. A value of a variable is text: it adds no list, no mapping and no reference.
//!
//! | section | supported | not supported |
//! | --- | --- | --- |
//! | `resource` | `attributes`, `attributes_list`; detectors `service`, `host`, `process`, `container` and, of this crate, `os`, `process_command` and `kubernetes`; `included` and `excluded` attributes | `schema_url` |
//! | `propagator` | `tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger` | `xray`, `ottrace` |
//! | `attribute_limits`, `tracer_provider.limits` | all | |
//! | `tracer_provider.processors` | `batch`, and `simple`, which exports every 100 milliseconds | |
//! | exporters of spans | `otlp_http`, `otlp_grpc`, `console` (waterfalls) | `otlp_file/development` |
//! | `tracer_provider.sampler` | `always_on`, `always_off`, `trace_id_ratio_based`, `parent_based`, `probability/development`, and `composite/development` with all its samplers | `jaeger_remote/development` |
//! | other parts of `tracer_provider` | `id_generator.random` | `tracer_configurator/development` |
//! | `meter_provider.readers` | `periodic` with `otlp_http` or `otlp_grpc`, `pull` with `prometheus/development` (host and port) | exporters `console` and `otlp_file/development`, `producers`, `cardinality_limits` |
//! | `meter_provider.views` | all but the next: selectors, `name`, `description`, all aggregations, the cardinality limit, `included` attributes | `excluded` attributes, wildcards in `included` |
//! | other parts of `meter_provider` | `exemplar_filter: trace_based` | `meter_configurator/development` |
//! | `logger_provider.processors` | as of spans | `event_to_span_event_bridge/development` |
//! | `logger_provider.limits` | all | |
//! | other parts of `logger_provider` | | `logger_configurator/development` |
//! | `instrumentation/development`, `log_level` | | all |
//!
//! - Without `tracer_provider`, `meter_provider`, `logger_provider`, `propagator` or `detection/development` there are
//!   no exported spans, metrics and log records, no propagation and no detected attributes: all defaults are
//!   those of the schema. A limit or option that is absent has the default of its variable.
//! - A key that is unknown or not supported, and a variable that is not set and has no default, is
//!   one warning with file, line, column and path; the nearest known key is suggested.
//! - A value of a wrong type, an unknown exporter or sampler, a duplicate key, invalid YAML, a file
//!   larger than 1 MiB, and a provider whose exporters are all unsupported are a [`TelemetryError`]
//!   with the same places. The whole file is read before anything starts.
//! - [`strict`](TelemetryBuilder::strict) turns the warnings into errors.
//!
//! # Diagnostics at start-up
//!
//! [`TelemetryBuilder::install`], `install_without_subscriber` and `build` log a line for each of these, because they explain
//! missing traces:
//!
//! - No exporter is configured, so traces are printed; or `OTEL_TRACES_EXPORTER=none`, so nothing
//!   is exported.
//! - `OTEL_SDK_DISABLED=true`, or a sampler that starts no trace.
//! - The environment sets an exporter, and code sets another.
//! - No propagator (`OTEL_PROPAGATORS=none`), so every trace ends at this service.
//! - Spans of `tracing` are hidden: by [`span_level`](TelemetryBuilder::span_level), or because a feature of the crate
//!   `tracing` compiles them out.
//! - A middleware or client was built before `install()`, so it records nothing.
//! - A variable that starts with `OTEL_` is set and not read. The line suggests the nearest name,
//!   or reports that the variable is not supported.
//! - A variable whose value is ignored or suspicious.
//! - The environment sets another service name than code.
//! - In a build with debug assertions: the program contains several versions of the crate
//!   `opentelemetry`.
//!
//! A middleware or client logs one warning when it is built, or with its first request if there was no subscriber:
//!
//! - It has no tracer provider: neither `install()` nor
//!   [`install_without_subscriber`](TelemetryBuilder::install_without_subscriber) was called
//!   before, and no provider was passed to its builder. [`build`](TelemetryBuilder::build) installs
//!   nothing.
//! - Its provider was shut down or dropped.
//! - [`exchange::layer`](crate::exchange::layer()) is inside of `tracing_subscriber::reload::Layer`.
//!
//! Two more are logged later: after a minute, that no middleware and no client was built; and with
//! the first request that passes two middlewares, that a middleware is duplicated
//! ([`DuplicateMiddlewareWarning`]).
//!
//! [`DuplicateMiddlewareWarning`]: crate::exchange::DuplicateMiddlewareWarning
//!
//! # Order of events
//!
//! - A **span that ends** is put into a bounded queue, without blocking. If the queue is full, the
//!   span is dropped and counted.
//! - An **export** runs on its own thread: when a batch is full, every five seconds, and at
//!   shutdown. The console exports every tenth of a second. It prints a trace when its root in this
//!   process has ended. Spans that end later are printed separately and marked.
//! - An **endpoint that cannot be reached** causes one warning when the first spans are lost, and
//!   one line with their number when spans are delivered again. Requests never wait for it. Each
//!   export is attempted for `OTEL_EXPORTER_OTLP_TIMEOUT` before its spans are lost. An export that
//!   waits for its next attempt does not delay a shutdown.
//! - If metrics are enabled, the **results of exports** are metrics by exporter:
//!   `otel.sdk.processor.span.processed` (with `error.type` if the queue was full),
//!   `otel.sdk.processor.span.queue.size` and `.capacity`, and `otel.sdk.exporter.span.exported`
//!   (with `error.type` for failed and rejected spans). Log records have the same ones with `log`
//!   instead of `span`.
//! - **Exporters** are not traced and write no log lines of their own, with any subscriber. Lines about
//!   losses are printed and not exported.
//! - [`Telemetry::shutdown`] exports the ended spans and the log records within a deadline, or returns
//!   a [`ShutdownError`] with the counts of those that were not delivered.
//!
//! [`manual::losses`](crate::manual::losses) lists all causes of lost telemetry.
//!
//! [`CompositePropagator`]: crate::propagation::CompositePropagator
#![cfg_attr(
    feature = "prometheus",
    doc = "[`Prometheus::new`]: crate::export::prometheus::Prometheus::new"
)]
#![cfg_attr(not(feature = "prometheus"), doc = "[`Prometheus::new`]: crate#features")]

mod build;
mod builder;
mod diagnostics;
mod install;
pub(crate) mod log_format;
mod meter_provider;
mod metrics;
mod resource;
mod subscriber;
mod telemetry;
mod traces;

#[cfg(any(feature = "otlp", feature = "prometheus"))]
pub use self::meter_provider::GuardedMeterProvider;
pub use self::{builder::TelemetryBuilder, log_format::LogFormat, telemetry::Telemetry};
#[cfg(feature = "otlp")]
pub use crate::config::Compression;
pub use crate::config::resource::detectors::ResourceDetectors;
#[cfg(feature = "jaeger")]
pub use crate::export::jaeger::JaegerEndpoint;
#[cfg(feature = "otlp")]
pub use crate::export::otlp::Otlp;
pub use crate::{
    base::error::TelemetryError,
    bridge::log_lines::{
        escaped_fields::EscapedFields, logfmt::Logfmt, with_trace_ids::WithTraceIds,
    },
    config::control::Control,
    export::{
        console::{
            Console,
            waterfall::{Rendered, Style, Waterfall, WaterfallDetails, WaterfallSpan},
        },
        delivery::{ExportLoss, ExporterStatus, ShutdownError, Status},
    },
    logs::{LogRecord, LogSeverity, LogValue},
};
