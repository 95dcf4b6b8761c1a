//! The shop, as a newcomer runs it.

use std::{
    collections::{HashMap, HashSet},
    net::TcpListener,
    process::{ExitStatus, Output, Stdio},
    time::Duration,
};

use examples::otlp_receiver::OtlpReceiver;
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
    time::timeout,
};
use tracing_core_ext::telemetry::WaterfallSpan;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[tokio::test]
async fn the_shop_prints_a_trace_of_three_services_for_every_request_and_exits() {
    let of_no_collector = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let output = shop().env(of_no_collector.0, of_no_collector.1).output().await.unwrap();

    let printed = printed(&output);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(printed.matches(" 3 services ").count(), 5, "{printed}");
    for span in ["gateway    GET /checkout/{item}", "└ GET /stock/{item}", "└ GET /prices/{item}"]
    {
        assert_eq!(printed.matches(span).count(), 5, "{span} in {printed}");
    }
    assert_eq!(printed.matches("cancelled_before_head").count(), 1, "{printed}");
    assert_eq!(printed.matches("✗ 500").count(), 2, "{printed}");
    assert_eq!(printed.matches("├ bid").count(), 2, "{printed}");
}

#[tokio::test]
async fn a_shop_whose_output_is_closed_stops_without_an_error() {
    let mut command = shop();
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut shop = command.spawn().unwrap();
    let mut printed = BufReader::new(shop.stdout.take().unwrap()).lines();
    let first = printed.next_line().await.unwrap().unwrap();
    drop(printed);
    let output = shop.wait_with_output().await.unwrap();

    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(first.starts_with("an order: "), "{first}");
    assert!(output.status.success() && !errors.contains("panicked"), "{errors}");
    assert!(!errors.contains("shop: "), "{errors}");
}

#[tokio::test]
async fn an_invalid_endpoint_is_refused_by_every_service() {
    for role in ["gateway", "inventory", "pricing"] {
        let output = shop().args(["--role", role]).env(ENDPOINT, "nowhere").output().await.unwrap();

        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(errors.contains(r#"OTEL_EXPORTER_OTLP_ENDPOINT="nowhere""#), "{errors}");
    }
}

#[tokio::test]
async fn with_another_endpoint_the_services_export_to_it_and_the_trace_ids_are_printed() {
    let mut elsewhere = OtlpReceiver::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("{}/v1/traces", elsewhere.endpoint());
    let output = shop().env(TRACES_ENDPOINT, endpoint).output().await.unwrap();

    let printed = printed(&output);
    assert!(output.status.success(), "{output:?}");
    let mut traces: HashMap<String, HashSet<String>> = HashMap::new();
    while let Some(spans) = elsewhere.try_recv() {
        for span in spans {
            traces.entry(span.trace_id.to_string()).or_default().insert(span.service);
        }
    }
    assert_eq!(traces.len(), 5, "{printed}");
    assert!(!printed.contains(" services "), "{printed}");
    for (id, services) in traces {
        assert!(services.len() == 3 && printed.contains(&id), "{services:?}, {printed}");
    }
}

#[tokio::test]
async fn with_an_exporter_in_the_environment_the_services_use_it_and_their_output_is_forwarded() {
    let output = shop().env("OTEL_TRACES_EXPORTER", "console-json").output().await.unwrap();

    let printed = printed(&output);
    assert!(output.status.success(), "{output:?}");
    assert!(!printed.contains(" services "), "{printed}");
    assert_eq!(printed.lines().filter(|line| line.starts_with('{')).count(), 36, "{printed}");
}

#[tokio::test]
async fn a_configuration_file_produces_the_same_traces_as_variables() {
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/otel.yaml");
    let mut received = Vec::new();
    for is_by_file in [false, true] {
        let mut elsewhere = OtlpReceiver::bind("127.0.0.1:0").await.unwrap();
        let mut command = shop();
        match is_by_file {
            true => {
                command.env("OTEL_CONFIG_FILE", FILE).env("COLLECTOR", elsewhere.endpoint());
                // It is ignored, because there is a file.
                command.env(ENDPOINT, nowhere());
            }
            false => {
                command.env(ENDPOINT, elsewhere.endpoint());
            }
        }
        let output = command.output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        let errors = String::from_utf8_lossy(&output.stderr);
        let ignored = "so these variables are ignored: OTEL_EXPORTER_OTLP_ENDPOINT";
        assert_eq!(errors.contains(ignored), is_by_file, "{errors}");
        let batches = std::iter::from_fn(|| elsewhere.try_recv());
        received.push(comparable(&batches.flatten().collect::<Vec<_>>()));
    }
    assert_eq!(received[0].len(), 36);
    assert_eq!(received[0], received[1]);
}

/// Returns what is the same in every run: of each span its service, its name, its kind, the status,
/// the error, the parent and the keys of its attributes.
fn comparable(spans: &[WaterfallSpan]) -> Vec<String> {
    let names: HashMap<_, _> = spans.iter().map(|span| (span.span_id, &span.name)).collect();
    let mut comparable: Vec<_> = spans
        .iter()
        .map(|span| {
            let parent = span.parent_span_id.and_then(|parent| names.get(&parent));
            let details = span.details.iter().flat_map(|details| &details.attributes);
            let mut keys: Vec<_> = details.map(|attribute| attribute.key.as_str()).collect();
            keys.sort_unstable();
            let WaterfallSpan { service, name, kind, status_code, error, .. } = span;
            format!("{service} {name} {kind:?} {status_code:?} {error:?} {parent:?} {keys:?}")
        })
        .collect();
    comparable.sort();
    comparable
}

#[tokio::test]
async fn every_service_prints_its_losses_before_the_shop_reports_the_first() {
    let output = shop().env(ENDPOINT, nowhere()).output().await.unwrap();

    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert_eq!(errors.matches(" spans were not delivered to ").count(), 3, "{errors}");
    assert!(errors.contains("shop: gateway ended with exit status: 1"), "{errors}");
}

#[tokio::test]
async fn the_trace_of_a_caller_continues_in_three_services_and_is_not_lost_at_sigterm() {
    let mut open = Open::start(&mut shop()).await;
    let caller = open.ask_for("tea").await;
    let (status, printed, _) = open.terminate().await;

    assert!(status.success(), "{status}");
    let trace = printed.split("trace ").find(|trace| trace.starts_with(TRACE_ID));
    let trace = trace.unwrap_or_else(|| panic!("{printed}"));
    assert_eq!(caller, 200);
    assert!(trace.contains(" 3 services ") && trace.contains("└ GET /prices/{item}"), "{trace}");
}

const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
#[tokio::test]
async fn the_panel_of_an_open_shop_shows_the_trace_the_metrics_and_the_log_lines_of_three_services()
{
    let mut open = Open::start(shop().env("OTEL_METRIC_EXPORT_INTERVAL", "100")).await;
    let panel = open.panel.clone().unwrap();
    open.ask_for("tea").await;
    for service in ["gateway", "inventory", "pricing"] {
        let query = format!("{panel}api/traces?q=trace:{TRACE_ID}%20service:{service}");
        eventually(query, |traces| traces.contains(TRACE_ID)).await;
        let metric = format!("service={service}&amp;name=http.server.request.duration");
        eventually(format!("{panel}metrics"), |page| page.contains(&metric)).await;
    }
    open.ask_for("durian").await;
    for (service, message) in [
        ("gateway", "an order"),
        ("gateway", "inventory failed"),
        ("inventory", "counted the shelves"),
        ("pricing", "there is no price for that"),
    ] {
        let query = format!("{panel}api/logs?q=trace:{TRACE_ID}%20service:{service}");
        eventually(query, |records| records.contains(message)).await;
    }
    let (status, ..) = open.terminate().await;
    assert!(status.success(), "{status}");
}

/// Reads a page until it is as expected.
async fn eventually(url: String, is_expected: impl Fn(&str) -> bool) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let read = async {
        while !is_expected(&client.get(&url).send().await.unwrap().text().await.unwrap()) {}
    };
    timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("{url} is not as expected"));
}

#[tokio::test]
async fn a_running_shop_with_another_endpoint_logs_the_trace_id_of_each_request() {
    let mut elsewhere = OtlpReceiver::bind("127.0.0.1:0").await.unwrap();
    let mut open = Open::start(shop().env(ENDPOINT, elsewhere.endpoint())).await;
    open.ask_for("tea").await;
    let (status, _, logged) = open.terminate().await;

    assert!(status.success(), "{status}");
    assert!(elsewhere.try_recv().is_some());
    let order = logged.lines().find(|line| line.contains("an order"));
    let order = order.unwrap_or_else(|| panic!("{logged}"));
    assert!(order.contains(TRACE_ID) && order.contains("gateway"), "{order}");
}

#[tokio::test]
async fn an_order_in_progress_at_ctrl_c_is_answered_and_its_trace_is_whole() {
    let mut open = Open::start(&mut shop()).await;
    let order = tokio::spawn(ask(open.gateway.clone(), "honey"));
    open.wait_for_log("an order").await;
    let (status, printed, logged) = open.stop("-INT").await;

    assert!(status.success(), "{status}: {logged}");
    assert_eq!(order.await.unwrap(), 200);
    assert!(printed.contains(TRACE_ID) && printed.contains("└ haggle"), "{printed}");
}

/// A shop that keeps running, in its own process group as in a terminal.
struct Open {
    shop: Child,
    printed: Lines<BufReader<ChildStdout>>,
    logged: Lines<BufReader<ChildStderr>>,
    gateway: String,
    /// URL of the panel, if the shop has one.
    panel: Option<String>,
}

impl Open {
    async fn start(command: &mut Command) -> Self {
        command.args(["--serve", "--port", "0", "--metrics-port", "0", "--panel-port", "0"]);
        command.kill_on_drop(true);
        let mut shop =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap();
        let mut printed = BufReader::new(shop.stdout.take().unwrap()).lines();
        let logged = BufReader::new(shop.stderr.take().unwrap()).lines();
        let mut panel = None;
        loop {
            let line = printed.next_line().await.unwrap().unwrap();
            panel = panel.or(line.strip_prefix("panel: ").map(str::to_owned));
            let url = line.trim_start().strip_prefix("curl ");
            if let Some((gateway, _)) = url.and_then(|url| url.split_once("/checkout/")) {
                return Self { gateway: gateway.to_owned(), panel, shop, printed, logged };
            }
        }
    }

    async fn ask_for(&mut self, item: &str) -> u16 {
        ask(self.gateway.clone(), item).await
    }

    async fn wait_for_log(&mut self, message: &str) {
        while !self.logged.next_line().await.unwrap().unwrap().contains(message) {}
    }

    async fn terminate(self) -> (ExitStatus, String, String) {
        self.stop("-TERM").await
    }

    /// Sends the signal to the whole group. Returns the exit status, and the output and log since
    /// then.
    async fn stop(mut self, signal: &str) -> (ExitStatus, String, String) {
        let group = format!("-{}", self.shop.id().unwrap());
        let kill = Command::new("kill").args([signal, "--", &group]).status().await;
        assert!(kill.unwrap().success());
        let (printed, logged) = tokio::join!(rest(self.printed), rest(self.logged));
        (self.shop.wait().await.unwrap(), printed, logged)
    }
}

async fn rest(mut lines: Lines<impl AsyncBufRead + Unpin>) -> String {
    let mut rest = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        rest.extend([&line, "\n"]);
    }
    rest
}

/// Returns the status of the gateway's response when it is complete.
async fn ask(gateway: String, item: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(format!("{gateway}/checkout/{item}"));
    let request = request.header("traceparent", format!("00-{TRACE_ID}-b7ad6b7169203331-01"));
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    answer.bytes().await.unwrap();
    status
}

/// Returns a URL on which no server listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn shop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG");
    command
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
