//! The service: axum and actix-web in one process, with traces, metrics, logs, and the panel.

mod actix;
mod axum;
mod bodies;

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    panic,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::runtime;
use tracing_core_ext::{
    client::Client,
    panel::Panel,
    prometheus::Prometheus,
    telemetry::{Control, Telemetry},
    trace::{Retention, Sampler},
};

use crate::{
    Result,
    process::{FINISH, SNAPSHOT},
    report::{Exporter, Snapshot},
};

/// Payload of panics that callers ask for.
const ASKED_FOR: &str = "a caller has asked for this panic";

/// Time that a handler waits, whose caller disconnects meanwhile. actix-web finishes it if it reads the request
/// and the reset of the connection at once.
const WAITING: Duration = Duration::from_secs(2);

/// Time between two changes of a setting.
const CHANGE: Duration = Duration::from_millis(700);

/// Memory of the panel, which is full after the warm-up.
const PANEL_BYTES: usize = 16 << 20;

static RECORDS: AtomicU64 = AtomicU64::new(0);
static CHANGES: AtomicU64 = AtomicU64::new(0);
static PANICS: AtomicU64 = AtomicU64::new(0);

/// State of the handlers.
#[derive(Clone)]
pub(super) struct Shared {
    client: Client,
    /// Port of the other framework.
    next: Arc<OnceLock<u16>>,
}

/// Serves until the input ends or a command ends it.
pub(crate) fn run(endpoint: &str) -> Result<()> {
    count_panics();
    let panel = Panel::new().listen_on((Ipv4Addr::LOCALHOST, 0)).with_memory(PANEL_BYTES);
    let spans = EndedSpans::default();
    let telemetry = Telemetry::builder()
        .variables(variable)
        .service_name("soak")
        .otlp_endpoint(endpoint)
        .otlp_logs()
        .otlp_metrics()
        .prometheus(Prometheus::mounted())
        .panel(panel.clone())
        .sampler(Sampler::parent_based(Sampler::always_on()))
        .span_processor(spans.clone())
        .log_writer(io::sink)
        .log_filter("info")
        .log_export_filter("off,soak=info")
        .install()?;
    let [to_axum, to_actix] = [(); 2].map(|()| Arc::new(OnceLock::new()));
    // A server may close an idle connection while the next request is sent, which then fails.
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
    let client = Client::builder().wrap(client);
    let shared = |next| Shared { client: client.clone(), next };
    let axum = serve(axum::serve, shared(Arc::clone(&to_actix)))?;
    let actix = serve(actix::serve, shared(Arc::clone(&to_axum)))?;
    to_axum.get_or_init(|| axum);
    to_actix.get_or_init(|| actix);
    let control = telemetry.control().clone();
    thread::spawn(move || change_settings(&control));

    println!("{axum}\n{actix}\n{}", panel.url().ok_or("the panel has no listener")?);
    for command in io::stdin().lines() {
        match command?.as_str() {
            SNAPSHOT => println!("{}", serde_json::to_string(&snapshot(&telemetry, &spans)?)?),
            FINISH => {
                let loss = telemetry.shutdown().err();
                println!("{}", loss.map_or_else(String::new, |loss| loss.to_string()));
                return Ok(());
            }
            other => return Err(format!("unknown command {other:?}").into()),
        }
    }
    Ok(())
}

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "OTEL_METRIC_EXPORT_INTERVAL" => "1000",
        "OTEL_BSP_SCHEDULE_DELAY" | "OTEL_BLRP_SCHEDULE_DELAY" => "500",
        _ => return None,
    };
    Some(value.to_owned())
}

fn serve(serve: fn(TcpListener, Shared) -> io::Result<()>, shared: Shared) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        if let Err(error) = serve(listener, shared) {
            eprintln!("a server has ended: {error}");
        }
    });
    Ok(port)
}

fn current_thread() -> io::Result<runtime::Runtime> {
    runtime::Builder::new_current_thread().enable_all().build()
}

/// Prints and counts other panics only.
fn count_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&ASKED_FOR) {
            PANICS.fetch_add(1, Ordering::Relaxed);
            print(info);
        }
    }));
}

/// Emits a log record, in the middle of a request.
pub(super) fn emit() {
    tracing::info!(target: "soak", item = "tea", left = 7, "in stock");
    RECORDS.fetch_add(1, Ordering::Relaxed);
}

fn change_settings(control: &Control) {
    let limit = Some(Duration::from_secs(2));
    for turn in 0_u32.. {
        thread::sleep(CHANGE);
        let changed = match turn % 8 {
            0 => control.set_log_filter("debug", limit),
            1 => Sampler::probability(0.3)
                .map_or(Ok(()), |sampler| control.set_sampler(sampler, None)),
            2 => control.set_log_filter("warn,soak=info", None),
            3 => control.set_sampler(Sampler::always_off(), Some(Duration::from_millis(300))),
            4 => retained().map_or(Ok(()), |sampler| control.set_sampler(sampler, limit)),
            5 => control.reset_log_filter(),
            6 => control.set_sampler(Sampler::parent_based(Sampler::always_off()), limit),
            _ => control.reset_sampler(),
        };
        // Telemetry is shut down.
        if changed.is_err() {
            return;
        }
        CHANGES.fetch_add(1, Ordering::Relaxed);
    }
}

fn retained() -> Option<Sampler> {
    let retention = Retention::new().slower_than(Duration::from_millis(15));
    Sampler::retain(Sampler::parent_based(Sampler::probability(0.1).ok()?), retention).ok()
}

fn snapshot(telemetry: &Telemetry, spans: &EndedSpans) -> Result<Snapshot> {
    let exporters = telemetry.status().exporters.into_iter().map(|it| Exporter {
        signal: it.signal.to_owned(),
        destination: it.destination,
        offered: it.offered,
        delivered: it.delivered,
        lost: it.lost,
        removed: it.removed,
        waiting: it.waiting,
    });
    let exporters = exporters.collect();
    let endpoint = telemetry.metrics_endpoint().ok_or("no endpoint")?;
    let page = endpoint.respond("GET", "/metrics", &HeaderMap::new()).into_body();
    let lines = str::from_utf8(&page)?.lines();
    let active = lines.filter(|line| line.starts_with("http_server_active_requests{"));
    let active = active.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    Ok(Snapshot {
        exporters,
        spans: spans.0.load(Ordering::Relaxed),
        records: RECORDS.load(Ordering::Relaxed),
        in_flight: active.sum(),
        changes: CHANGES.load(Ordering::Relaxed),
        panics: PANICS.load(Ordering::Relaxed),
    })
}

/// Number of sampled spans that have ended.
#[derive(Clone, Debug, Default)]
struct EndedSpans(Arc<AtomicU64>);

impl SpanProcessor for EndedSpans {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
