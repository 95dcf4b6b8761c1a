use std::{
    collections::HashSet,
    error::Error,
    io,
    process::ExitStatus,
    time::{Duration, Instant},
};

use examples::{
    collector::Collector,
    otlp_receiver::OtlpReceiver,
    processes::{Service, interrupted, print_line},
};
use opentelemetry::TraceId;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use tokio::{
    process::Command,
    time::{sleep_until, timeout},
};
use tracing_core_ext::telemetry::{Style, Waterfall};

use crate::{panel::ShopPanel, role::Role};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// Variables that make the services export to another backend.
const ELSEWHERE: [&str; 7] = [
    "OTEL_CONFIG_FILE",
    "OTEL_TRACES_EXPORTER",
    ENDPOINT,
    TRACES_ENDPOINT,
    "OTEL_EXPORTER_JAEGER_ENDPOINT",
    "OTEL_EXPORTER_JAEGER_AGENT_HOST",
    "OTEL_EXPORTER_JAEGER_AGENT_PORT",
];
/// Prefix of the variables of a collector, which do not apply to this process. Those of metrics and logs do.
const OF_A_COLLECTOR: &str = "OTEL_EXPORTER_OTLP_";
const OF_OTHER_SIGNALS: [&str; 2] = ["OTEL_EXPORTER_OTLP_METRICS_", "OTEL_EXPORTER_OTLP_LOGS_"];
/// Delay between exports of a service, and the time without new spans after which a trace is
/// complete.
const EXPORT_DELAY_MS: &str = "100";
const QUIET: Duration = Duration::from_millis(1_000);
const PATIENCE: Duration = Duration::from_secs(5);
/// Time limit for all traces to arrive.
const DEADLINE: Duration = Duration::from_secs(30);

/// Requests of the demonstration: description, item, and time after which the client cancels.
const VISITS: [(&str, &str, Option<Duration>); 5] = [
    ("an order", "tea", None),
    ("a slow one", "honey", None),
    ("one that fails", "durian", None),
    ("one the client cancels", "caviar", Some(Duration::from_millis(200))),
    ("one that is streamed", "auction", None),
];

/// Makes a few requests and prints their traces.
pub(crate) async fn show(port: u16, metrics_port: Option<u16>) -> Result<(), Box<dyn Error>> {
    let mut traces = Traces::bind(None).await?;
    let shop = Shop::open(port, metrics_port, &traces).await?;
    let shown = make_visits(&shop, &mut traces).await;
    let closed = close(shop, traces).await;
    shown.and(closed)
}

async fn make_visits(shop: &Shop, traces: &mut Traces) -> Result<(), Box<dyn Error>> {
    let mut made = HashSet::new();
    for (what, item, patience) in VISITS {
        let trace_id = RandomIdGenerator::default().new_trace_id();
        let status = visit(shop.gateway.url(), item, trace_id, patience).await?;
        let line = format!("{what}: GET /checkout/{item} → {status}, trace {trace_id}");
        print_line(line)?;
        made.insert(trace_id);
    }
    print_line("")?;
    Ok(timeout(DEADLINE, traces.print_until_all_of(made)).await.unwrap_or(Ok(()))?)
}

/// Keeps the services running and prints each trace.
pub(crate) async fn serve(
    port: u16,
    metrics_port: u16,
    panel_port: u16,
) -> Result<(), Box<dyn Error>> {
    let mut traces = Traces::bind(Some(panel_port)).await?;
    let shop = Shop::open(port, Some(metrics_port), &traces).await?;
    let served = tokio::select! {
        printed = announce_and_print(&shop, &mut traces) => printed,
        () = interrupted() => Ok(()),
    };
    let closed = close(shop, traces).await;
    served.map_err(Into::into).and(closed)
}

async fn announce_and_print(shop: &Shop, traces: &mut Traces) -> io::Result<()> {
    if let Some(panel) = &traces.panel {
        print_line(format_args!("panel: {}", panel.url()))?;
    }
    print_line("open, Ctrl-C closes it; try")?;
    for (what, item, _) in VISITS {
        let url = shop.gateway.url();
        print_line(format_args!("  curl {url}/checkout/{item}  # {what}"))?;
    }
    print_line("")?;
    traces.print_forever().await
}

/// Stops the services first, because they export their last spans when they stop.
async fn close(shop: Shop, mut traces: Traces) -> Result<(), Box<dyn Error>> {
    let closed = shop.close().await;
    let printed = traces.print_rest();
    closed.and(printed.map_err(Into::into))
}

/// Returns the status that the client received. The caller of the trace is set here, so the trace
/// id is known in advance.
async fn visit(
    gateway: &str,
    item: &str,
    trace_id: TraceId,
    patience: Option<Duration>,
) -> reqwest::Result<String> {
    let caller = RandomIdGenerator::default().new_span_id();
    let request = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .get(format!("{gateway}/checkout/{item}"))
        .header("traceparent", format!("00-{trace_id}-{caller}-01"));
    let answer = async {
        let response = request.send().await?;
        let status = response.status();
        response.bytes().await?;
        Ok(status.to_string())
    };
    match patience {
        Some(patience) => timeout(patience, answer).await.unwrap_or(Ok("cancelled".to_owned())),
        None => answer.await,
    }
}

/// The three services.
struct Shop {
    gateway: Service,
    inventory: Service,
    pricing: Service,
}

impl Shop {
    /// `metrics_port` is the port of the gateway's metrics. 0 selects free ports for all three
    /// services.
    async fn open(port: u16, metrics_port: Option<u16>, traces: &Traces) -> io::Result<Self> {
        let metrics = |behind: u16| match metrics_port {
            Some(0) | None => metrics_port,
            Some(port) => Some(port.saturating_add(behind)),
        };
        let pricing = traces.start(Role::Pricing, 0, metrics(2), None).await?;
        let inventory = traces.start(Role::Inventory, 0, metrics(1), Some(pricing.url())).await?;
        let gateway = traces.start(Role::Gateway, port, metrics(0), Some(inventory.url())).await?;
        Ok(Self { gateway, inventory, pricing })
    }

    /// Stops all three services, the gateway first, even if one fails. Each service prints its own
    /// losses.
    async fn close(self) -> Result<(), Box<dyn Error>> {
        let gateway = ended_well(Role::Gateway, self.gateway.stop().await);
        let inventory = ended_well(Role::Inventory, self.inventory.stop().await);
        let pricing = ended_well(Role::Pricing, self.pricing.stop().await);
        gateway.and(inventory).and(pricing)
    }
}

fn ended_well(role: Role, status: io::Result<ExitStatus>) -> Result<(), Box<dyn Error>> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} ended with {status}", role.name()).into()),
        Err(error) => Err(format!("{} could not be stopped: {error}", role.name()).into()),
    }
}

fn is_of_a_collector(variable: &str) -> bool {
    let is_of_other_signal = OF_OTHER_SIGNALS.iter().any(|prefix| variable.starts_with(prefix));
    variable.starts_with(OF_A_COLLECTOR) && !is_of_other_signal
}

/// Backend of the services: this process, unless the environment sets another one.
struct Traces {
    receiver: Option<OtlpReceiver>,
    collector: Collector,
    /// Panel that shows the received spans, if there is one.
    panel: Option<ShopPanel>,
}

impl Traces {
    /// `panel_port` is that of the panel, if there is one; 0 is any.
    async fn bind(panel_port: Option<u16>) -> io::Result<Self> {
        let collector = Collector::new(QUIET, PATIENCE);
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if ELSEWHERE.into_iter().any(is_set) {
            return Ok(Self { receiver: None, collector, panel: None });
        }
        let Some(port) = panel_port else {
            let receiver = Some(OtlpReceiver::bind("127.0.0.1:0").await?);
            return Ok(Self { receiver, collector, panel: None });
        };
        let panel = ShopPanel::open(port).await?;
        let receiver = Some(OtlpReceiver::bind_with("127.0.0.1:0", panel.store()).await?);
        Ok(Self { receiver, collector, panel: Some(panel) })
    }

    async fn start(
        &self,
        role: Role,
        port: u16,
        metrics_port: Option<u16>,
        next: Option<&str>,
    ) -> io::Result<Service> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--role", role.name(), "--port", &port.to_string()]);
        command.args(metrics_port.map(|port| format!("--metrics-port={port}")));
        command.args(next.map(|next| format!("--next={next}")));
        if let Some(receiver) = &self.receiver {
            let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
            for name in names.filter(|name| is_of_a_collector(name)) {
                command.env_remove(name);
            }
            command.env(TRACES_ENDPOINT, format!("{}/v1/traces", receiver.endpoint()));
            command.env("OTEL_BSP_SCHEDULE_DELAY", EXPORT_DELAY_MS);
            command.envs(self.panel.iter().flat_map(ShopPanel::variables));
        }
        Service::start(&mut command).await
    }

    async fn print_until_all_of(&mut self, mut awaited: HashSet<TraceId>) -> io::Result<()> {
        while self.receiver.is_some() && !awaited.is_empty() {
            for waterfall in self.next().await {
                waterfall.trace_id().map(|id| awaited.remove(&id));
                print(&waterfall)?;
            }
        }
        Ok(())
    }

    async fn print_forever(&mut self) -> io::Result<()> {
        loop {
            for waterfall in self.next().await {
                print(&waterfall)?;
            }
        }
    }

    /// Waits for new spans, or until a trace has had none for long enough.
    async fn next(&mut self) -> Vec<Waterfall> {
        let Some(receiver) = &mut self.receiver else {
            return std::future::pending().await;
        };
        let due = self.collector.next_due();
        let quiet = sleep_until(due.unwrap_or_else(|| Instant::now() + PATIENCE).into());
        tokio::select! {
            spans = receiver.recv() => self.collector.add(spans.unwrap_or_default(), Instant::now()),
            () = quiet => {}
        }
        self.collector.take_whole(Instant::now())
    }

    fn print_rest(&mut self) -> io::Result<()> {
        while let Some(spans) = self.receiver.as_mut().and_then(OtlpReceiver::try_recv) {
            self.collector.add(spans, Instant::now());
        }
        self.collector.take_rest().iter().try_for_each(print)
    }
}

fn print(waterfall: &Waterfall) -> io::Result<()> {
    print_line(waterfall.render(Style::for_stdout()))
}
