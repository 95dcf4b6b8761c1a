pub(crate) mod options;

use std::{borrow::Cow, env, fmt, marker::PhantomData};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{Meter, MeterProvider},
    trace::{Tracer, TracerProvider},
};

use self::options::{Options, ResponseHeader, TrustPolicy};
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
/// A middleware of a server: its [`Builder`] has the options of incoming requests as well.
pub trait ServerMiddleware: From<Instrumentation> {}

impl ServerMiddleware for Instrumentation {}

/// A client: its [`Builder`] has the options of outgoing requests as well.
pub trait ClientMiddleware: From<Instrumentation> {}

impl ClientMiddleware for Instrumentation {}

/// Options of a middleware or a client `T`, the same on every framework.
///
/// A tracer provider or a propagator that is not set is taken, once, in [`build`](Self::build), from what `telemetry` has
/// installed, else from [`opentelemetry::global`]. Metrics are recorded where [`meter_provider`](Self::meter_provider) is set
/// or `telemetry` has installed one.
///
/// An option that is set twice replaces the first value, unless its description begins with "Adds". Attributes, captured
/// headers, redacted keys and response headers are added.
///
/// A closure that panics is treated as if it were not set, the panic is [counted](contained_panic_count), and the first one is
/// logged.
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<T> {
    scope: InstrumentationScope,
    tracer: Option<AnyTracer>,
    propagator: Option<Propagator>,
    /// A meter, and whether it is one of the installed provider.
    meter: Option<(Meter, bool)>,
    options: Options,
    target: PhantomData<fn() -> T>,
}

impl<T: From<Instrumentation>> Builder<T> {
    /// A builder whose spans carry the instrumentation scope `name` in version `version`.
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

    /// Spans are made by `provider` instead of the global one.
    pub fn tracer_provider<P>(mut self, provider: &P) -> Self
    where
        P: TracerProvider + 'static,
        P::Tracer: Send + Sync + 'static,
        <P::Tracer as Tracer>::Span: Send + Sync + 'static,
    {
        self.tracer = Some(AnyTracer::from_provider(provider, &self.scope));
        self
    }

    /// Every exchange is measured with the instruments of `provider` instead of those of `telemetry`. Where that was not
    /// installed, or without metrics, none is measured unless this is called.
    ///
    /// Sampled or not, an exchange that is not filtered out is recorded once, when it ends, by the semantic conventions:
    /// `http.server.request.duration` and `http.server.active_requests`, or `http.client.request.duration`, and with
    /// [`body_sizes`](Self::body_sizes) the sizes of both bodies. Labels are method, scheme, route, status, `error.type` and
    /// version of the protocol, of a client method, server, URL template, status, `error.type` and version; a path or
    /// anything else of a caller's choice is none.
    ///
    /// Where `telemetry` has Prometheus scrape it, durations of sampled exchanges have their trace as exemplar.
    ///
    /// The duration is that of the span, from the same readings of the clock. Only a span that a plain
    /// `tracing_opentelemetry::layer()` has captured started a moment before, by its layer's clock.
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

    /// Context crosses processes by `propagator` instead of the global one.
    ///
    /// The propagators of this crate read headers in place; any other goes through its `TextMapPropagator` interface.
    pub fn propagator(mut self, propagator: impl Into<Propagator>) -> Self {
        self.propagator = Some(propagator.into());
        self
    }

    /// Only requests for which `filter` answers `true` get a span; the context of the others still flows to whatever they
    /// call.
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

    /// The span is named by `name` where that answers one, and by the semantic conventions elsewhere.
    ///
    /// Keep names few: no identifiers in them.
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

    /// Adds attributes for every request that is recorded. The SDK keeps what has the key already: choose keys of your own.
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

    /// What counts as an error, and its `error.type`; `None` is no error. The semantic conventions' answer is in the
    /// [`ExchangeSummary`].
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

    /// Adds keys of a query whose values are replaced by `REDACTED`, as are those of the seven signatures the semantic
    /// conventions name. Keys are case-sensitive and compared in decoded form: `user[password]` is also redacted where it is
    /// sent as `user%5Bpassword%5D`.
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

    /// Strings that describe an exchange are cut to this many characters, each string of an array alike.
    ///
    /// By default that is what `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT` or `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` says, and
    /// without them there is no limit. How many attributes a span may have is up to its provider.
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

    /// Records `http.request.body.size` and `http.response.body.size` in bytes, counted as they pass, on the span and in
    /// the histograms of a [`meter_provider`](Self::meter_provider).
    ///
    /// A body that is not read to its end counts as far as it was read. A size that is not known is left out: that of a request
    /// body which is neither counted nor declared, as on tonic's server, and that of a response which reqwest decompresses
    /// before it can be counted.
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

    /// Resolves what was not set and builds.
    pub fn build(self) -> T {
        T::from(self.resolve())
    }

    pub(crate) fn resolve(self) -> Instrumentation {
        let Self { scope, tracer, propagator, meter, mut options, .. } = self;
        let tracer = tracer.unwrap_or_else(|| installed::tracer(&scope));
        let meter = meter.or_else(|| Some((installed::meter(&scope)?, true)));
        let propagator = propagator.unwrap_or_else(Propagator::global);
        let limit = &mut options.attribute_options.value_limit;
        *limit = limit.or_else(|| value_limit(|name| env::var(name).ok()));
        let metrics = meter.map(|(meter, is_installed)| {
            Metrics::new(meter, scope, options.has_body_sizes, is_installed)
        });
        Instrumentation::new(tracer, propagator, metrics, options)
    }
}

impl<T: ServerMiddleware> Builder<T> {
    /// What is made of the trace context that callers send. By default they are trusted.
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

    /// What is made of the trace context of each caller. On axum the peer is known where the application is served with
    /// `into_make_service_with_connect_info`. If the closure panics, the policy is [`TrustPolicy::LinkOnly`].
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

    /// Behind these proxies, the address of the client, the scheme and the host are those that the proxies tell. By default
    /// they are those of the connection and of the request. Nobody is believed where the peer is not known: on axum, serve
    /// the application with `into_make_service_with_connect_info`.
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
    /// The scheme is `url.scheme`, and the default of `server.port`. By default it is that of the connection as far as the
    /// framework knows it: axum knows it of HTTP/2 only. Trusted proxies override it.
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

    /// Adds `server.address` and `server.port` to the labels of durations and sizes.
    ///
    /// By default they are none: a caller chooses the `Host` header, and every host makes series of its own. Ask for them
    /// where something in front of the service lets only known hosts through.
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

    /// Adds a header field of the response that tells callers the trace. By default there is none.
    ///
    /// ```
    /// use tracing_core_ext::exchange::ResponseHeader;
    /// # use tracing_core_ext::exchange::{Builder, Instrumentation};
    /// # let builder = Builder::<Instrumentation>::new("docs", "1");
    /// let builder = builder.response_header(ResponseHeader::ServerTiming);
    /// # builder.build();
    /// ```
    pub fn response_header(mut self, field: ResponseHeader) -> Self {
        if !self.options.response_headers.contains(&field) {
            self.options.response_headers.push(field);
        }
        self
    }
}

impl<T: ClientMiddleware> Builder<T> {
    /// Only these hosts learn of the trace and get its baggage. Requests to any other have their span too, but go out
    /// without context: fields that already stand in such a request are removed.
    ///
    /// By default every host does.
    ///
    /// It is the request passing through that is looked at. A client inside that follows redirects by itself sends the
    /// fields on to whatever host it is led to: turn that off, or use the [`Client`](crate::client) of this crate, which
    /// asks for each.
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
    /// By default such a call is no error (semantic conventions 1.44, HTTP spans, "Status"), because a caller that loses
    /// interest is none. A time limit around the call, such as `tokio::time::timeout`, drops it as well. To alert on those
    /// limits, set this option and select `error.type="cancelled_before_head"`, or record an error where the limit is.
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

    /// For what is an option of one client alone.
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
