use std::{
    fmt, io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    sync::Arc,
};

use opentelemetry_sdk::metrics::{Instrument, MeterProviderBuilder, Stream};
use prometheus::core::Collector;
use tokio::runtime::Handle;

#[cfg(target_os = "linux")]
use super::collectors::process::ProcessCollector;
use super::{
    collectors::runtime::RuntimeCollector,
    registry::{Registry, otel_registry::OtelRegistry},
    server::{control_access::ControlAccess, scrape_server::ScrapeServer},
};
use crate::{
    base::error::TelemetryError,
    config::metrics::ListenerConfig,
    export::metrics::{MetricsContext, MetricsOptions, MetricsOutput},
};

const HOST: &str = "OTEL_EXPORTER_PROMETHEUS_HOST";
const PORT: &str = "OTEL_EXPORTER_PROMETHEUS_PORT";

/// Maximum number of series of an instrument: the default of the OpenTelemetry specification.
const MAX_SERIES: usize = 2_000;

/// Metrics for Prometheus and their listener, for
/// [`TelemetryBuilder::prometheus`](crate::telemetry::TelemetryBuilder::prometheus).
///
/// ```
/// use prometheus::IntCounter;
/// use tracing_core_ext::{prometheus::Prometheus, telemetry::Telemetry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let orders = IntCounter::new("shop_orders_total", "Orders taken.")?;
/// let (telemetry, _subscriber) = Telemetry::builder()
///     .service_name("checkout")
///     .prometheus(Prometheus::new().listen_on(([127, 0, 0, 1], 0)).collector(orders.clone()))
///     .build()?;
/// println!("http://{}/metrics", telemetry.metrics_address().expect("it listens"));
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is served before it is given to a TelemetryBuilder"]
pub struct Prometheus {
    mode: ListenMode,
    runtime: Option<Handle>,
    cardinality_limit: usize,
    collectors: Vec<Arc<dyn Collector>>,
    control: Option<ControlAccess>,
}

#[derive(Clone, Copy, Debug)]
enum ListenMode {
    Environment,
    Address(SocketAddr),
    Mounted,
}

impl Default for Prometheus {
    fn default() -> Self {
        Self::new()
    }
}

impl Prometheus {
    /// Exposes metrics on a separate listener at `OTEL_EXPORTER_PROMETHEUS_HOST` and
    /// `OTEL_EXPORTER_PROMETHEUS_PORT`, by default `127.0.0.1` and `9464`.
    pub fn new() -> Self {
        Self {
            mode: ListenMode::Environment,
            runtime: None,
            cardinality_limit: MAX_SERIES,
            collectors: Vec::new(),
            control: None,
        }
    }

    /// Exposes metrics without a listener. The service mounts
    /// [`Telemetry::metrics_endpoint`](crate::telemetry::Telemetry::metrics_endpoint) in its own
    /// routes.
    pub fn mounted() -> Self {
        Self { mode: ListenMode::Mounted, ..Self::new() }
    }

    /// Exposes metrics on a separate listener at this address, regardless of environment variables.
    /// With port 0, [`Telemetry::metrics_address`](crate::telemetry::Telemetry::metrics_address)
    /// returns the port.
    pub fn listen_on(mut self, address: impl Into<SocketAddr>) -> Self {
        self.mode = ListenMode::Address(address.into());
        self
    }

    /// Exposes metrics of this tokio runtime as well. By default it is the runtime in which
    /// telemetry is set up, if any.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Sets the maximum number of series of an instrument, by default 2000. Further series are
    /// combined in one with the label `otel_metric_overflow="true"`, and the first is logged.
    pub fn cardinality_limit(mut self, series: usize) -> Self {
        self.cardinality_limit = series;
        self
    }

    /// Exposes the metrics of this collector of the `prometheus` crate. [`Registry::register`] adds
    /// one later.
    pub fn collector(mut self, collector: impl Collector + 'static) -> Self {
        self.collectors.push(Arc::new(collector));
        self
    }

    /// Lets requests to the listener change settings while the service runs. The default is that none
    /// may.
    ///
    /// | request | effect |
    /// | --- | --- |
    /// | `GET /control/log-filter` | returns the directives of the log filter |
    /// | `PUT /control/log-filter` | sets them, from JSON: `{"filter": "info,shop=debug", "seconds": 600}` |
    /// | `GET /control/sampling` | returns the sampler, in the form of OpenTelemetry's configuration schema |
    /// | `PUT /control/sampling` | sets it, from JSON: `{"sampler": "parentbased_traceidratio", "argument": "0.1", "rules": "/health=drop", "seconds": 600}`. The texts are those of `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` and `OTEL_RUST_TRACES_SAMPLER_RULES` |
    ///
    /// `seconds` is the time after which the setting has the value of the set-up again; it may be omitted. `DELETE` sets
    /// that value at once. The response is the state as JSON, with `reverts_in_seconds`, or a reason as problem+json (RFC
    /// 9457): 400 for a change that is not valid, 401 or 403 without access. Each change and each refusal is a log line at
    /// `WARN`, at most one refusal in a second. A refused request changes nothing. A filter whose fields have patterns as
    /// values, or values of more than 512 bytes in all, is refused, because one request could so block the listener.
    ///
    /// ```
    /// use tracing_core_ext::{
    ///     prometheus::{ControlAccess, Prometheus},
    ///     telemetry::Telemetry,
    /// };
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let metrics = Prometheus::new().listen_on(([127, 0, 0, 1], 0));
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .prometheus(metrics.control(ControlAccess::loopback()))
    ///     .build()?;
    /// // curl -X PUT -d '{"filter": "debug", "seconds": 600}' http://127.0.0.1:…/control/log-filter
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn control(mut self, access: ControlAccess) -> Self {
        self.control = Some(access);
        self
    }

    /// Refuses a weak token, and control without a listener.
    fn check_control(&self) -> Result<(), TelemetryError> {
        let Some(access) = &self.control else { return Ok(()) };
        match self.mode {
            ListenMode::Mounted => {
                let expected =
                    "Prometheus::new() or listen_on(), because only a listener knows its peers";
                Err(TelemetryError::setting("control()", "Prometheus::mounted()", expected))
            }
            _ => access.check(),
        }
    }

    fn registry(&self, meters: OtelRegistry) -> Result<Registry, TelemetryError> {
        let registry = Registry::new(meters);
        #[cfg(target_os = "linux")]
        registry.add(Arc::new(ProcessCollector));
        if let Some(runtime) = self.runtime.clone().or_else(|| Handle::try_current().ok()) {
            registry.add(Arc::new(RuntimeCollector::new(&runtime)));
        }
        for collector in &self.collectors {
            registry.register_shared(Arc::clone(collector)).map_err(TelemetryError::collector)?;
        }
        Ok(registry)
    }

    fn bind(&self, config: &ListenerConfig) -> Result<Option<TcpListener>, TelemetryError> {
        match self.mode {
            ListenMode::Mounted => Ok(None),
            ListenMode::Address(address) => {
                let refused = |error: io::Error| {
                    let expected =
                        format!("an address that can be had, or port 0 for any port ({error})");
                    TelemetryError::setting("listen_on()", address.to_string(), expected)
                };
                TcpListener::bind(address).map_err(refused).map(Some)
            }
            ListenMode::Environment => bind(config).map(Some),
        }
    }
}

fn bind(listener: &ListenerConfig) -> Result<TcpListener, TelemetryError> {
    let ListenerConfig { host, port } = listener;
    let addresses = (host.as_str(), *port).to_socket_addrs().map_err(|error| {
        let expected = format!("the name or the address of this host ({error})");
        TelemetryError::setting(HOST, host, expected)
    })?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    TcpListener::bind(&*addresses).map_err(|error| match error.kind() {
        io::ErrorKind::AddrNotAvailable => {
            let expected = format!("an address of this host ({error})");
            TelemetryError::setting(HOST, host, expected)
        }
        _ => {
            let expected = format!(
                "a port that is free on {host}, or 0 for any ({error}); Prometheus::listen_on(..) sets it in code"
            );
            TelemetryError::setting(PORT, port.to_string(), expected)
        }
    })
}

fn check_limit(limit: usize) -> Result<(), TelemetryError> {
    // The SDK allocates memory for all of them at once.
    const MOST: usize = 1 << 20;
    match (1..=MOST).contains(&limit) {
        true => Ok(()),
        false => {
            let expected = format!("a number of series from 1 to {MOST}");
            Err(TelemetryError::setting("cardinality_limit()", limit.to_string(), expected))
        }
    }
}

impl MetricsOptions for Prometheus {
    fn name(&self) -> &'static str {
        "prometheus"
    }

    fn attach(
        self: Box<Self>,
        meters: MeterProviderBuilder,
        context: &MetricsContext<'_>,
    ) -> Result<(MeterProviderBuilder, Box<dyn MetricsOutput>), TelemetryError> {
        check_limit(self.cardinality_limit)?;
        self.check_control()?;
        let socket = self.bind(&context.config.metrics.listener)?;
        let otel = OtelRegistry::new(context.resource);
        let reader = otel.reader();
        let registry = self.registry(otel)?;
        let server = ScrapeServer::new(registry.clone(), socket, self.control.clone(), context);
        let cardinality_limit = self.cardinality_limit;
        if context.config.is_disabled {
            return Ok((meters, Box::new(server)));
        }
        // A second view of an instrument would be a second stream.
        let views = context.config.metrics.views.clone();
        let meters = meters.with_reader(reader).with_view(move |instrument: &Instrument| {
            registry.see(instrument);
            if views.iter().any(|view| view.selector.selects(instrument)) {
                return None;
            }
            Stream::builder().with_cardinality_limit(cardinality_limit).build().ok()
        });
        Ok((meters, Box::new(server)))
    }

    fn is_useful_when_disabled(&self) -> bool {
        true
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus")
            .field("mode", &self.mode)
            .field("cardinality_limit", &self.cardinality_limit)
            .finish_non_exhaustive()
    }
}
