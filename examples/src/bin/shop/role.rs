use std::{error::Error, net::TcpListener};

use clap::ValueEnum;
use examples::processes::{announce, print_line, told_to_stop};
use reqwest::Url;
use tracing_core_ext::{client::Client, prometheus::Prometheus, telemetry::Telemetry};

use crate::{gateway, inventory, pricing};

/// One of the three services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Takes orders.
    Gateway,
    /// Knows what is in stock.
    Inventory,
    /// Knows what it costs.
    Pricing,
}

impl Role {
    /// The name of the service.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Inventory => "inventory",
            Self::Pricing => "pricing",
        }
    }
}

/// Is this service until the parent stops it.
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
    match (role, next) {
        (Role::Gateway, Some(next)) => {
            gateway::serve(listener, Next::new(next)?, told_to_stop()).await?
        }
        (Role::Inventory, Some(next)) => {
            inventory::serve(listener, Next::new(next)?, told_to_stop()).await?
        }
        (Role::Pricing, _) => pricing::serve(listener, told_to_stop()).await?,
        (_, None) => return Err("this role needs --next".into()),
    }
    Ok(telemetry.shutdown()?)
}

/// The service behind a service.
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

    /// Its answer about `item`, unless that is an error.
    pub(crate) async fn ask(&self, about: &str, item: &str) -> reqwest::Result<reqwest::Response> {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend([about, item]);
        }
        self.client.get(url).send().await?.error_for_status()
    }
}
