//! Options of middlewares and clients.

pub(crate) mod extras;
mod log_options;
pub(crate) mod options;

use std::{borrow::Cow, env, fmt, marker::PhantomData};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{Meter, MeterProvider},
    trace::{Tracer, TracerProvider},
};

use self::options::{Options, TrustPolicy};
use super::{
    instrumentation::{Instrumentation, installed},
    outcome::ExchangeSummary,
};
#[cfg(doc)]
use crate::base::contained_panic_count;
use crate::{
    http::{AllowedHosts, CapturedHeaders, RequestView, ResponseView, Scheme, TrustedProxies},
    metrics::instruments::Metrics,
    propagation::Propagator,
    semconv::names,
    trace::{AnyTracer, value_limit::value_limit},
};
/// Marks a middleware of a server: its [`Builder`] also has the options of incoming requests.
pub trait ServerMiddleware: From<Instrumentation> {}

impl ServerMiddleware for Instrumentation {}

/// Marks a client: its [`Builder`] also has the options of outgoing requests.
pub trait ClientMiddleware: From<Instrumentation> {}

impl ClientMiddleware for Instrumentation {}

/// Options of a middleware or a client `T`, the same on every framework. The [manual](crate::manual::options) has a table
/// of all options.
///
/// If no tracer provider or propagator is set, [`build`](Self::build) takes the one that `telemetry` has installed, or
/// else the one of [`opentelemetry::global`]. Metrics are recorded if [`meter_provider`](Self::meter_provider) is set
/// or `telemetry` has installed one.
///
/// A second call of an option replaces the first value, unless its description begins with "Adds": attributes, captured
/// headers, redacted keys and response headers accumulate.
///
/// A closure that panics is treated as if it were not set. The panic is [counted](contained_panic_count), and the first
/// one is logged.
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<T> {
    scope: InstrumentationScope,
    tracer: Option<AnyTracer>,
    propagator: Option<Propagator>,
    /// Meter, and whether it is one of the installed provider.
    meter: Option<(Meter, bool)>,
    options: Options,
    target: PhantomData<fn() -> T>,
}

impl<T: From<Instrumentation>> Builder<T> {
    /// Creates a builder whose spans carry the instrumentation scope `name` in version `version`.
    pub fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            scope: InstrumentationScope::builder(name)
                .with_version(version)
                .with_schema_url(names::SCHEMA_URL)
                .build(),
            tracer: None,
            propagator: None,
            meter: None,
            options: Options::default(),
            target: PhantomData,
        }
    }

    /// Creates spans with `provider` instead of the global one.
    pub fn tracer_provider<P>(mut self, provider: &P) -> Self
    where
        P: TracerProvider + 'static,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        self.tracer = Some(AnyTracer::from_provider(provider, &self.scope));
        self
    }

    /// Measures every exchange with the instruments of `provider` instead of those of `telemetry`. Without this call,
    /// exchanges are measured only if `telemetry` is installed with metrics.
    ///
    /// An exchange that is not filtered out is recorded once, when it ends, whether or not it is sampled. The semantic
    /// conventions define the metrics: `http.server.request.duration` and `http.server.active_requests`, or
    /// `http.client.request.duration`, and with [`body_sizes`](Self::body_sizes) the sizes of both bodies. The labels
    /// of a server are method, scheme, route, status, `error.type` and version of the protocol. The labels of a client
    /// are method, server, URL template, status, `error.type` and version. A path or any other value that a caller
    /// chooses is never a label.
    ///
    /// If Prometheus scrapes `telemetry`, durations of sampled exchanges have their trace as exemplar.
    ///
    /// The duration is that of the span, from the same readings of the clock. The exception is a span that a plain
    /// `tracing_opentelemetry::layer()` has captured: it started a moment before, by the clock of its layer.
    ///
    /// ```
    /// use opentelemetry_sdk::metrics::SdkMeterProvider;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let provider = SdkMeterProvider::builder().build();
    /// let builder = builder.meter_provider(&provider);
    /// # builder.build();
    /// ```
    pub fn meter_provider<P: MeterProvider + ?Sized>(mut self, provider: &P) -> Self {
        self.meter = Some((provider.meter_with_scope(self.scope.clone()), false));
        self
    }

    /// Propagates context with `propagator` instead of the global one.
    ///
    /// The propagators of this crate read headers in place; any other is called through its `TextMapPropagator`
    /// interface.
    pub fn propagator(mut self, propagator: impl Into<Propagator>) -> Self {
        self.propagator = Some(propagator.into());
        self
    }

    /// Creates spans only for requests for which `filter` returns `true`. The context of the other requests still
    /// propagates to the services that they call.
    ///
    /// ```
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.filter(|request| request.path() != "/health");
    /// # builder.build();
    /// ```
    pub fn filter<F>(mut self, filter: F) -> Self
    where
        F: Fn(&RequestView<'_>) -> bool + Send + Sync + 'static,
    {
        self.options.filter = Some(Box::new(filter));
        self
    }

    /// Names the span by the value that `name` returns, or by the semantic conventions if it returns `None`.
    ///
    /// Keep the number of names small: they must not contain identifiers.
    ///
    /// ```
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.span_name(|request| {
    ///     request.path().starts_with("/assets/").then(|| "GET asset".into())
    /// });
    /// # builder.build();
    /// ```
    pub fn span_name<F>(mut self, name: F) -> Self
    where
        F: Fn(&RequestView<'_>) -> Option<Cow<'static, str>> + Send + Sync + 'static,
    {
        self.options.attribute_options.span_name_fn = Some(Box::new(name));
        self
    }

    /// Adds attributes for every request that is recorded. The SDK keeps duplicate keys, so choose keys that no other
    /// code sets.
    ///
    /// ```
    /// use opentelemetry::KeyValue;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.request_attributes(|request| {
    ///     let tenant = request.header("x-tenant")?;
    ///     Some(KeyValue::new("shop.tenant", tenant.to_owned()))
    /// });
    /// # builder.build();
    /// ```
    pub fn request_attributes<F, A>(mut self, attributes: F) -> Self
    where
        F: Fn(&RequestView<'_>) -> A + Send + Sync + 'static,
        A: IntoIterator<Item = KeyValue>,
    {
        let add = Box::new(move |request: &RequestView<'_>, list: &mut Vec<_>| {
            list.extend(attributes(request));
        });
        self.options.attribute_options.request_attributes_fns.push(add);
        self
    }

    /// Adds attributes for the head of every response that is recorded.
    ///
    /// ```
    /// use opentelemetry::KeyValue;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.response_attributes(|response| {
    ///     let cache = response.header("x-cache")?;
    ///     Some(KeyValue::new("shop.cached", cache == "hit"))
    /// });
    /// # builder.build();
    /// ```
    pub fn response_attributes<F, A>(mut self, attributes: F) -> Self
    where
        F: Fn(&ResponseView<'_>) -> A + Send + Sync + 'static,
        A: IntoIterator<Item = KeyValue>,
    {
        let add = Box::new(move |response: &ResponseView<'_>, list: &mut Vec<_>| {
            list.extend(attributes(response));
        });
        self.options.attribute_options.response_attributes_fns.push(add);
        self
    }

    /// Sets the closure that decides which exchanges are errors and returns their `error.type`, or `None` for no error.
    /// The decision of the semantic conventions is in the [`ExchangeSummary`].
    ///
    /// ```
    /// use http::StatusCode;
    /// use tracing_core_ext::exchange::ExchangeSummary;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.error_type(|ending: ExchangeSummary| match ending.status() {
    ///     Some(StatusCode::TOO_MANY_REQUESTS) => Some("throttled".into()),
    ///     _ => ending.into_error_type(),
    /// });
    /// # builder.build();
    /// ```
    pub fn error_type<F>(mut self, error_type: F) -> Self
    where
        F: Fn(ExchangeSummary) -> Option<Cow<'static, str>> + Send + Sync + 'static,
    {
        self.options.error_type_fn = Some(Box::new(error_type));
        self
    }

    /// Adds header fields of requests that are recorded.
    ///
    /// ```
    /// use tracing_core_ext::http::CapturedHeaders;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.capture_request_headers(CapturedHeaders::new(["x-tenant"])?);
    /// # builder.build();
    /// # Ok::<(), tracing_core_ext::http::InvalidHeader>(())
    /// ```
    pub fn capture_request_headers(mut self, headers: CapturedHeaders) -> Self {
        self.options.attribute_options.request_headers.extend(headers);
        self
    }

    /// Adds header fields of responses that are recorded.
    ///
    /// ```
    /// use tracing_core_ext::http::CapturedHeaders;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.capture_response_headers(CapturedHeaders::new(["x-cache"])?);
    /// # builder.build();
    /// # Ok::<(), tracing_core_ext::http::InvalidHeader>(())
    /// ```
    pub fn capture_response_headers(mut self, headers: CapturedHeaders) -> Self {
        self.options.attribute_options.response_headers.extend(headers);
        self
    }

    /// Adds keys of a query whose values are replaced by `REDACTED`, like those of the seven signatures that the
    /// semantic conventions name. Keys are case-sensitive and compared in decoded form: `user[password]` is also
    /// redacted if it is sent as `user%5Bpassword%5D`.
    ///
    /// ```
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.redact_query_keys(["token", "email"]);
    /// # builder.build();
    /// ```
    pub fn redact_query_keys<I>(mut self, keys: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.options
            .attribute_options
            .redacted_keys
            .extend(keys.into_iter().map(|key| key.as_ref().into()));
        self
    }

    /// Truncates strings that describe an exchange to this many characters, including each string of an array.
    ///
    /// The default is the value of `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT` or `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`;
    /// without them there is no limit. The provider limits the number of attributes of a span.
    ///
    /// ```
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.attribute_value_length_limit(1024);
    /// # builder.build();
    /// ```
    pub const fn attribute_value_length_limit(mut self, characters: usize) -> Self {
        self.options.attribute_options.value_limit = Some(characters);
        self
    }

    /// Records `http.request.body.size` and `http.response.body.size` in bytes, counted as they pass, on the span and
    /// in the histograms of a [`meter_provider`](Self::meter_provider).
    ///
    /// If a body is not read to its end, the bytes read so far are recorded. A size that is not known is omitted: that
    /// of a request body which is neither counted nor declared, as on tonic's server, and that of a response which
    /// reqwest decompresses before it can be counted.
    ///
    /// ```
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.body_sizes(true);
    /// # builder.build();
    /// ```
    pub const fn body_sizes(mut self, are_recorded: bool) -> Self {
        self.options.has_body_sizes = are_recorded;
        self
    }

    /// Resolves the options that are not set and builds the target.
    pub fn build(self) -> T {
        T::from(self.resolve())
    }

    pub(crate) fn resolve(self) -> Instrumentation {
        let Self { scope, tracer, propagator, meter, mut options, .. } = self;
        let tracer = tracer.unwrap_or_else(|| installed::tracer(&scope));
        let meter = meter.or_else(|| installed::meter(&scope));
        let propagator = propagator.unwrap_or_else(Propagator::global);
        let limit = &mut options.attribute_options.value_limit;
        *limit = limit.or_else(|| value_limit(|name| env::var(name).ok()));
        let metrics = meter.map(|(meter, is_shared)| {
            Metrics::new(meter, scope, options.has_body_sizes, is_shared)
        });
        Instrumentation::new(tracer, propagator, metrics, options)
    }
}

impl<T: ServerMiddleware> Builder<T> {
    /// Sets the policy for the trace context that callers send. By default it is trusted.
    ///
    /// ```
    /// use tracing_core_ext::exchange::TrustPolicy;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.trust(TrustPolicy::LinkOnly);
    /// # builder.build();
    /// ```
    pub fn trust(mut self, policy: TrustPolicy) -> Self {
        self.options.policy = policy;
        self.options.trust = None;
        self
    }

    /// Chooses the policy for the trace context of each caller. On axum the peer is known if the application is served
    /// with `into_make_service_with_connect_info`. If the closure panics, the policy is [`TrustPolicy::LinkOnly`].
    ///
    /// ```
    /// use tracing_core_ext::exchange::TrustPolicy;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.trust_fn(|request| match request.peer() {
    ///     Some(peer) if peer.ip().is_loopback() => TrustPolicy::Trust,
    ///     _ => TrustPolicy::LinkOnly,
    /// });
    /// # builder.build();
    /// ```
    pub fn trust_fn<F>(mut self, policy: F) -> Self
    where
        F: Fn(&RequestView<'_>) -> TrustPolicy + Send + Sync + 'static,
    {
        self.options.trust = Some(Box::new(policy));
        self
    }

    /// Takes the address of the client, the scheme and the host from the headers of these proxies. By default they are
    /// those of the connection and of the request. No header is trusted if the peer is not known: on axum, serve the
    /// application with `into_make_service_with_connect_info`.
    ///
    /// ```
    /// use tracing_core_ext::http::TrustedProxies;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.trusted_proxies(TrustedProxies::x_forwarded(["10.0.0.0/8"])?);
    /// # builder.build();
    /// # Ok::<(), tracing_core_ext::http::InvalidNetwork>(())
    /// ```
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.options.attribute_options.proxies = Some(proxies);
        self
    }

    /// Sets the scheme of the requests that the service receives, for a service that terminates TLS itself.
    ///
    /// The scheme is `url.scheme`, and decides the default of `server.port`. By default it is the scheme of the
    /// connection, as far as the framework exposes it: axum exposes it for HTTP/2 only. Trusted proxies override it.
    ///
    /// ```
    /// use tracing_core_ext::http::Scheme;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.scheme(Scheme::Https);
    /// # builder.build();
    /// ```
    pub const fn scheme(mut self, scheme: Scheme) -> Self {
        self.options.attribute_options.scheme = Some(scheme);
        self
    }

    /// Includes `server.address` and `server.port` in the labels of durations and sizes.
    ///
    /// By default they are no labels, because a caller chooses the `Host` header and every host makes new series. Set
    /// this option if a proxy in front of the service passes only known hosts.
    ///
    /// ```
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # struct Middleware;
    /// # impl From<Instrumentation> for Middleware { fn from(_: Instrumentation) -> Self { Self } }
    /// # impl tracing_core_ext::exchange::ServerMiddleware for Middleware {}
    /// # let builder = Builder::<Middleware>::new("docs", "1");
    /// let builder = builder.server_address_label(true);
    /// # builder.build();
    /// ```
    pub const fn server_address_label(mut self, is_label: bool) -> Self {
        self.options.has_server_label = is_label;
        self
    }
}

impl<T: ClientMiddleware> Builder<T> {
    /// Sends trace context and baggage only to these hosts. Requests to other hosts have a span too, but are sent
    /// without context: such fields that a request already contains are removed.
    ///
    /// By default context is sent to every host.
    ///
    /// The check uses the host of the request that passes through. An inner client that follows redirects by itself
    /// sends the fields on to the hosts of the redirects. Disable its redirects, or use the [`Client`](crate::client)
    /// of this crate, which checks every redirect.
    ///
    /// ```
    /// use tracing_core_ext::http::AllowedHosts;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.allowed_hosts(AllowedHosts::new(["*.shop.example", "inventory:8080"])?);
    /// # builder.build();
    /// # Ok::<(), tracing_core_ext::http::InvalidHost>(())
    /// ```
    pub fn allowed_hosts(mut self, hosts: AllowedHosts) -> Self {
        self.options.allowed_hosts = Some(hosts);
        self
    }

    /// Records a call as an error, `cancelled_before_head`, if its caller drops it before there is a response.
    ///
    /// By default such a call is no error (semantic conventions 1.44, HTTP spans, "Status"), because a caller that
    /// loses interest has not failed. A time limit around the call, such as `tokio::time::timeout`, drops it as well.
    /// To alert on those limits, set this option and select `error.type="cancelled_before_head"`, or record an error in
    /// the code that sets the limit.
    ///
    /// A response whose body is dropped is no error.
    ///
    /// ```
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.dropped_calls_are_errors(true);
    /// # builder.build();
    /// ```
    pub const fn dropped_calls_are_errors(mut self, are_errors: bool) -> Self {
        self.options.dropped_calls_are_errors = are_errors;
        self
    }

    /// Returns the options, for those that only one client has.
    pub(crate) const fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("scope", &self.scope)
            .field("propagator", &self.propagator)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
