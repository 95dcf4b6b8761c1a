//! One log line for each request.

mod callsite;
pub(crate) mod ended_request;
pub(crate) mod entry;
mod event;

use std::fmt;

use opentelemetry::Key;
use tracing::Level;

use self::ended_request::EndedRequest;
pub(crate) use self::event::{LineDetails, LogWriter};

/// Closure that chooses the level of a line, or `None` for no line.
pub(crate) type LevelFn = dyn Fn(&EndedRequest<'_>) -> Option<Level> + Send + Sync;

/// The request log: one `tracing` event for each request, written when its exchange ends.
///
/// ```
/// use tracing::Level;
/// use tracing_core_ext::exchange::RequestLog;
/// # use tracing_core_ext::exchange::{Builder, Instrumentation};
/// # let builder = Builder::<Instrumentation>::new("docs", "1");
///
/// let log = RequestLog::new().attributes(["shop.item"]).level(|request| {
///     match request.path() {
///         "/live" => None,
///         _ => Some(request.default_level()),
///     }
/// });
/// let builder = builder.request_log(log);
/// # builder.build();
/// ```
///
/// As text, with [`Telemetry::install`](crate#modules) (one line):
///
/// ```text
/// 2026-11-28T20:15:00.5Z  INFO tracing_core_ext::request_log: GET /items/{id}
///     http.request.method="GET" url.path="/items/7" url.scheme="http" network.protocol.version="1.1"
///     http.route="/items/{id}" http.response.status_code=200 http.server.request.duration=0.0042
///     http.response.body.size=6 client.address=127.0.0.1 user_agent.original="curl/8.5.0"
///     trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331 trace_flags=01
/// ```
///
/// # Lines
///
/// Every exchange that the middleware starts has one line, whether or not its span is sampled, and for every
/// [`Outcome`](crate::exchange::Outcome): complete, failed, cancelled before the head or in the body, panicked and
/// upgraded. It is written when the last byte of the body was passed on, so its duration and size are those of the whole
/// response. A request that the option [`filter`](crate::exchange::Builder::filter) excludes has no line.
///
/// # Levels
///
/// | level | requests |
/// | --- | --- |
/// | `ERROR` | the server failed: `error.type` is set, as for a 5xx, an error of the body or a panic |
/// | `WARN` | the caller caused it: a 4xx, or the caller disconnected before the end |
/// | `INFO` | all others |
///
/// [`level`](Self::level) replaces this rule. The target is `tracing_core_ext::request_log`, for filters such as
/// `RUST_LOG=warn,tracing_core_ext::request_log=info`.
///
/// # Fields
///
/// The names are those of the semantic conventions 1.44; a value that is not known is absent.
///
/// | field | type |
/// | --- | --- |
/// | `message` | method and route, or the method if no route matched |
/// | `http.request.method`, `http.request.method_original` | string |
/// | `url.path`, `url.scheme`, `network.protocol.version` | string |
/// | `url.query` | string, only with [`query`](Self::query), redacted |
/// | `http.route` | string |
/// | `http.response.status_code` | integer |
/// | `rpc.response.status_code` | string, for gRPC |
/// | `http.server.request.duration` | number of seconds, the value of the metric of that name |
/// | `http.request.body.size` | bytes that were read, with [`body_sizes`](crate::exchange::Builder::body_sizes) |
/// | `http.response.body.size` | bytes that were sent |
/// | `error.type` | string |
/// | `exception.type`, `exception.message` | the reason of a failure |
/// | `client.address` | address of the client, behind [`trusted_proxies`](crate::exchange::Builder::trusted_proxies) too |
/// | `user_agent.original` | string |
/// | `request_id` | with [`request_id`](crate::exchange::Builder::request_id) |
/// | the keys of [`attributes`](Self::attributes) and of [`log_attributes`](crate::exchange::Builder::log_attributes) | by the value; a list is its text |
///
/// Trace and span IDs are added by the format of the line, as to every other line of the request. The event belongs to
/// the request's OpenTelemetry context. It is not in its `tracing` span, whose fields it would repeat.
///
/// # Replacing other logs
///
/// tower-http's `TraceLayer`, whose `DefaultOnResponse` writes a line when the head is sent:
///
/// ```diff
///  let app = Router::new()
///      .route("/items/{id}", get(item))
/// -    .layer(TraceLayer::new_for_http()
/// -        .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
/// -        .on_response(DefaultOnResponse::new().level(Level::INFO)));
/// +    .layer(TracingLayer::builder().request_log(RequestLog::new()).build());
/// ```
///
/// actix-web's `Logger`, whose line has no level and no names of fields:
///
/// ```diff
///  App::new()
///      .service(item)
/// -    .wrap(Logger::new(r#"%a "%r" %s %b "%{User-Agent}i" %T"#).exclude("/health"))
/// +    .wrap(Tracing::builder()
/// +        .filter(|request| request.path() != "/health")
/// +        .request_log(RequestLog::new())
/// +        .build())
/// ```
///
/// The events of tracing-actix-web, which are an error event for each failed request, and a span whose fields a formatter
/// such as `tracing-bunyan-formatter` prints when it closes:
///
/// ```diff
///  App::new()
///      .service(item)
/// -    .wrap(TracingLogger::<DomainRootSpanBuilder>::new())
/// +    .wrap(Tracing::builder()
/// +        .request_id(RequestIdPolicy::Accept)
/// +        .request_log(RequestLog::new().attributes(["shop.item"]))
/// +        .build())
/// ```
///
/// `Span::current().record("shop.item", item)` becomes `span.set_attribute("shop.item", item)` with the extractor
/// `RequestSpan`.
#[derive(Default)]
#[must_use = "a request log does nothing until it is passed to a builder"]
pub struct RequestLog {
    pub(crate) attributes: Vec<Key>,
    pub(crate) with_query: bool,
    level: Option<Box<LevelFn>>,
}

impl RequestLog {
    /// Creates a request log with the default levels and fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds fields for attributes with these keys, which handlers set with
    /// [`RequestSpan::set_attribute`](crate::exchange::RequestSpan::set_attribute), or which are
    /// [`baggage_attributes`](crate::exchange::Builder::baggage_attributes). An attribute that is not set is absent. If
    /// it is set twice, the line has the last value.
    ///
    /// A key that is already a field of the line is ignored.
    pub fn attributes<I>(mut self, keys: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Key>,
    {
        self.attributes.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Writes `url.query`, without the values of keys that are [redacted](crate::exchange::Builder::redact_query_keys).
    /// The default is `false`, because queries often contain personal data.
    pub const fn query(mut self, is_written: bool) -> Self {
        self.with_query = is_written;
        self
    }

    /// Chooses the level of each line, or no line. If the closure panics, the level is the default one.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tracing::Level;
    /// use tracing_core_ext::exchange::RequestLog;
    ///
    /// // Only what failed or was slow.
    /// let log = RequestLog::new().level(|request| match request.default_level() {
    ///     Level::INFO if request.duration() < Duration::from_secs(1) => None,
    ///     level => Some(level),
    /// });
    /// # drop(log);
    /// ```
    pub fn level<F>(mut self, level: F) -> Self
    where
        F: Fn(&EndedRequest<'_>) -> Option<Level> + Send + Sync + 'static,
    {
        self.level = Some(Box::new(level));
        self
    }
}

impl fmt::Debug for RequestLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestLog")
            .field("attributes", &self.attributes)
            .field("query", &self.with_query)
            .finish_non_exhaustive()
    }
}
