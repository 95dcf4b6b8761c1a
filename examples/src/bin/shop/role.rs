use std::{error::Error, net::TcpListener};

use clap::ValueEnum;
use examples::processes::{announce, drained, print_line, stop_requested};
use futures_util::FutureExt;
use reqwest::Url;
use tracing_core_ext::{client::Client, prometheus::Prometheus, telemetry::Telemetry};

use crate::{gateway, inventory, pricing};

/// One of the three services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Receives orders.
    Gateway,
    /// Returns the stock of an item.
    Inventory,
    /// Returns the price of an item.
    Pricing,
}

impl Role {
    /// Returns the name of the service.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Inventory => "inventory",
            Self::Pricing => "pricing",
        }
    }
}

/// Runs this service until the parent stops it.
pub(crate) async fn run(
    role: Role,
    port: u16,
    metrics_port: Option<u16>,
    next: Option<Url>,
) -> Result<(), Box<dyn Error>> {
    let mut telemetry = Telemetry::builder().service_name(role.name());
    if let Some(port) = metrics_port {
        telemetry = telemetry.prometheus(Prometheus::new().listen_on(([127, 0, 0, 1], port)));
    }
    let telemetry = telemetry.install()?;
    if let Some(address) = telemetry.metrics_address() {
        print_line(format_args!("metrics of {}: http://{address}/metrics", role.name()))?;
    }
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    listener.set_nonblocking(true)?;
    announce(&format!("http://{}", listener.local_addr()?))?;
    let stop = stop_requested().shared();
    let stopping = stop.clone();
    match (role, next) {
        (Role::Gateway, Some(next)) => {
            drained(stopping, gateway::serve(listener, Next::new(next)?, stop)).await?
        }
        (Role::Inventory, Some(next)) => inventory::serve(listener, Next::new(next)?, stop).await?,
        (Role::Pricing, _) => drained(stopping, pricing::serve(listener, stop)).await?,
        (_, None) => return Err("this role needs --next".into()),
    }
    Ok(telemetry.shutdown()?)
}

/// The service that a service calls.
#[derive(Clone)]
pub(crate) struct Next {
    client: Client,
    url: Url,
}

impl Next {
    fn new(url: Url) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { client: Client::from(client), url })
    }

    /// Returns the response about `item`, or an error if its status is one.
    pub(crate) async fn ask(&self, about: &str, item: &str) -> reqwest::Result<reqwest::Response> {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend([about, item]);
        }
        self.client.get(url).send().await?.error_for_status()
    }
}
