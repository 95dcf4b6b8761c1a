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
//! With nothing else configured each trace is printed as a [`Waterfall`] on standard output, and [`Console`] says how.
//! Log lines go to standard error, filtered by `RUST_LOG`, and carry the ids of the current span.
//!
//! # Log lines
//!
//! | who writes them | what to do |
//! | --- | --- |
//! | [`Telemetry::install`](TelemetryBuilder::install) | nothing: [`log_format`](TelemetryBuilder::log_format) selects the format, [`log_filter`](TelemetryBuilder::log_filter) the lines, [`log_writer`](TelemetryBuilder::log_writer) the destination, and [`layer`](TelemetryBuilder::layer) adds other layers |
//! | a `tracing` subscriber of your own | [`install_without_subscriber`](TelemetryBuilder::install_without_subscriber); wrap its format in [`WithTraceIds`]; [`Telemetry::layer`] exports its spans |
//! | the crate `log` | nothing after `install`: its records become events of `tracing` with their own target. A logger of its own keeps the records |
//! | another logger | read `trace_id` and `span_id` of the current OpenTelemetry context |
//!
//! Whichever it is: within a request `Context::current()` has its span, in the handler, in inner middleware and in the
//! body, so that every line there belongs to the trace.
//!
//! # What the environment sets
//!
//! | variable | meaning |
//! | --- | --- |
//! | `OTEL_SERVICE_NAME` | the service's name, unless code names it |
//! | `OTEL_RESOURCE_ATTRIBUTES` | `key=value,…`; `service.name` in it is the weakest name but the package's |
//! | `OTEL_PROPAGATORS` | `tracecontext,baggage` by default, see [`CompositePropagator`]; `none` carries nothing on |
//! | `OTEL_SDK_DISABLED` | `true`: nothing is recorded, context is carried on. What code serves for Prometheus is served, less all measurements. No variable is read but `OTEL_PROPAGATORS`, `OTEL_SERVICE_NAME`, `OTEL_EXPORTER_PROMETHEUS_…` and those of log lines |
//! | `OTEL_TRACES_EXPORTER` | any of `otlp`, `jaeger`, `console` and `console-json`, separated by commas, or `none`; by default those an endpoint is set for, else `console` |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | which spans are recorded: `parentbased_always_on` by default |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` | collector to export to; over HTTP `/v1/traces` and `/v1/metrics` are appended. `http://localhost:4318`, or `:4317` over gRPC, where OTLP is asked for without one |
//! | `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf` by default, `http/json` or `grpc` |
//! | `OTEL_EXPORTER_OTLP_HEADERS` | `name=value,…`, headers (over gRPC metadata) sent with each export |
//! | `OTEL_EXPORTER_OTLP_TIMEOUT` | milliseconds an export may take with all its attempts, 10000 by default; 0 means no limit |
//! | `OTEL_EXPORTER_OTLP_COMPRESSION` | `none` by default, or `gzip` |
//! | `OTEL_EXPORTER_OTLP_CERTIFICATE` | path of the certificates, in PEM, that are trusted instead of the system's; with the feature `tls` |
//! | `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_KEY` | paths of what is shown to a collector that asks for a certificate |
//! | `OTEL_EXPORTER_OTLP_INSECURE` | `true` where a gRPC endpoint without a scheme is not to be reached over TLS |
//! | `OTEL_EXPORTER_OTLP_TRACES_…`, `OTEL_EXPORTER_OTLP_METRICS_…` | each of these for one signal, beats the general one. An endpoint is used verbatim |
//! | `OTEL_EXPORTER_JAEGER_AGENT_HOST`, `…_AGENT_PORT` | Jaeger's agent to export to over UDP, `localhost` and `6831` by default (feature `jaeger`, as the next four) |
//! | `OTEL_EXPORTER_JAEGER_ENDPOINT` | Jaeger's collector to export to over HTTP instead; a URL that ends in `/api/traces` |
//! | `OTEL_EXPORTER_JAEGER_PROTOCOL` | `udp/thrift.compact` or `http/thrift.binary`, where both are set |
//! | `OTEL_EXPORTER_JAEGER_USER`, `…_PASSWORD` | Basic authentication at the collector |
//! | `OTEL_EXPORTER_JAEGER_TIMEOUT` | milliseconds an export to the collector may take with all its attempts, 10000 by default; 0 means no limit |
//! | `OTEL_METRICS_EXPORTER` | `none` by default; `prometheus` serves metrics as [`Prometheus::new`] in code does, `otlp` exports them, `prometheus,otlp` does both |
//! | `OTEL_METRIC_EXPORT_INTERVAL` | milliseconds between exports of metrics, 60000 by default |
//! | `OTEL_METRIC_EXPORT_TIMEOUT` | milliseconds an export of metrics may take, 30000 by default, where the one of OTLP is not shorter |
//! | `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` | `cumulative` by default, `delta` or `lowmemory` |
//! | `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` | `explicit_bucket_histogram` by default, or `base2_exponential_bucket_histogram` where Prometheus does not scrape as well |
//! | `OTEL_EXPORTER_PROMETHEUS_HOST`, `OTEL_EXPORTER_PROMETHEUS_PORT` | where, `127.0.0.1` and `9464` by default; port 0 is any |
//! | `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BSP_SCHEDULE_DELAY` | how spans wait for export: 2048 at most (and 64 MiB), 512 at once, 5000 milliseconds (100 for the console; 0 is 1) |
//! | `OTEL_BSP_EXPORT_TIMEOUT` | milliseconds an export of spans may take, 30000 by default, where the one of OTLP or of Jaeger is not shorter |
//! | `OTEL_ATTRIBUTE_COUNT_LIMIT`, `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, `OTEL_SPAN_EVENT_COUNT_LIMIT`, `OTEL_SPAN_LINK_COUNT_LIMIT`, `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`, `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT` | how much a span holds, 128 of each by default |
//! | `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` | characters a string of any span keeps |
//! | `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS` | methods with a name of their own, separated by commas; all others are `_OTHER` |
//! | `RUST_LOG` | which log lines are written, `info,opentelemetry=warn` by default |
//! | `NO_COLOR`, `TERM=dumb` | no colours, also on a terminal |
//! | `COLUMNS` | how wide a waterfall is that is not printed on a terminal, 120 columns by default |
//!
//! The environment is read when telemetry is set up, `COLUMNS` whenever a trace is printed. Code comes before the variable of
//! a signal, which comes before the variable of all signals, which comes before the default. If code sets an exporter, those
//! of the environment are not used.
//!
//! The rules are those of the OpenTelemetry environment variable specification:
//!
//! - An empty value counts as unset. Words may be in any case.
//! - A word, number or boolean that is not valid is ignored, with one warning that has the variable, its value and what is
//!   allowed. A boolean that is not valid is `false`. Of lists, such as `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_PROPAGATORS` and
//!   `RUST_LOG`, the valid elements are used.
//! - A time limit of zero means no limit.
//! - A suspicious value is used, with one warning: a port that is known for another protocol, a path that is missing or there
//!   twice, quotes of an `.env` file, which are removed.
//! - A setting without which nothing can be delivered is a [`TelemetryError`]: an endpoint, a certificate, a key, or an exporter
//!   whose feature is off.
//!
//! [`strict`](TelemetryBuilder::strict) turns these warnings into errors.
//!
//! # Diagnostics at start-up
//!
//! [`TelemetryBuilder::install`], `install_without_subscriber` and `build` log a line for each of these, because they explain
//! missing traces:
//!
//! - No exporter is named, so traces are printed; or `OTEL_TRACES_EXPORTER=none`, and nothing is exported.
//! - `OTEL_SDK_DISABLED=true`; or a sampler that begins no trace.
//! - The environment names an exporter and code another.
//! - No propagator (`OTEL_PROPAGATORS=none`), so every trace ends at this service.
//! - Spans of `tracing` are hidden: by [`span_level`](TelemetryBuilder::span_level), or because a feature of the crate
//!   `tracing` compiles them out.
//! - A middleware or client was made before `install()`: it records nothing.
//! - A variable that begins with `OTEL_` is set and nothing reads it. The line has the nearest name, or says that the variable
//!   is not supported.
//! - A variable whose value is ignored or suspicious.
//! - The environment names the service otherwise than code does.
//! - In a build with debug assertions: the program has two versions of the crate `opentelemetry`.
//!
//! A middleware or client logs one warning when it is built, or with its first request if there was no subscriber:
//!
//! - It has no tracer provider: neither `install()` nor [`install_without_subscriber`](TelemetryBuilder::install_without_subscriber)
//!   was called before, and its builder got none. [`build`](TelemetryBuilder::build) installs nothing.
//! - Its provider was shut down or dropped.
//! - [`exchange::layer`](crate::exchange::layer()) is inside of `tracing_subscriber::reload::Layer`.
//!
//! Two more are logged later: that no middleware and no client was built, after a minute; and that a middleware is there
//! twice, with the first request that passes both ([`DuplicateMiddlewareWarning`]).
//!
//! [`DuplicateMiddlewareWarning`]: crate::exchange::DuplicateMiddlewareWarning
//!
//! # When does what happen
//!
//! - A **span that ends** is put into a bounded queue, without waiting for anything. When the
//!   queue is full the span is dropped and counted.
//! - An **export** happens on a thread of its own: when a batch is full, every five seconds, and
//!   at shutdown. On the console it happens every tenth of a second, and a trace is printed when
//!   its root in this process has ended; what ends later is printed then, marked as later.
//! - An **endpoint that cannot be reached** gives one warning when the first spans are lost and one
//!   line with their number when spans are delivered again. Requests never wait for it. Each export is attempted for
//!   `OTEL_EXPORTER_OTLP_TIMEOUT` before its spans are lost; one that waits for the next attempt does not hold up a
//!   shutdown.
//! - What became of the spans is measured where metrics are: `otel.sdk.processor.span.processed` (with `error.type` where the
//!   queue was full), `otel.sdk.processor.span.queue.size` and `.capacity`, and `otel.sdk.exporter.span.exported` (with
//!   `error.type` for those that failed or were rejected), by exporter.
//! - **What exports** is not traced and logs nothing itself, under any subscriber.
//! - [`Telemetry::shutdown`] delivers what has ended before within a deadline, or returns a
//!   [`ShutdownError`] with the counts of what was not delivered.
//!
//!
//! # When is telemetry lost?
//!
//! | cause | remedy |
//! | --- | --- |
//! | `let _ = Telemetry::builder()….install()?` drops telemetry at once | `let telemetry = …`, until the last request has ended. The first middleware logs a warning |
//! | [`std::process::exit`], or a signal that ends the process: no destructor runs, so the spans of the last seconds stay in the queue | call [`Telemetry::shutdown`] first. Return from `main` instead of calling `exit`, and stop the server on SIGTERM |
//! | `fork`: the threads that export exist in the parent only, so the child's queue fills up and its spans are lost, which is counted and logged | install telemetry after the fork, in each child. Do not fork a process in which it is installed; start a new program |
//! | `panic = "abort"`: as `process::exit` | call `force_flush` of [`Telemetry::tracer_provider`] in a panic hook |
//!
//! `process::exit` and `fork` run no code of this crate, so that it cannot log a warning.
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
#[cfg(feature = "jaeger")]
pub use crate::export::jaeger::JaegerEndpoint;
#[cfg(feature = "otlp")]
pub use crate::export::otlp::Otlp;
pub use crate::{
    base::error::TelemetryError,
    bridge::log_lines::{escaped_fields::EscapedFields, with_trace_ids::WithTraceIds},
    export::{
        console::{
            Console,
            waterfall::{Rendered, Style, Waterfall, WaterfallDetails, WaterfallSpan},
        },
        delivery::{ExportLoss, ShutdownError},
    },
};
