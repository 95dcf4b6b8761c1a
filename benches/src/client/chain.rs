use std::sync::Arc;

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response, Url};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use tracing_core_ext::client;

use super::{exchange, runtime, subscriber};
use crate::{Driver, Site, rig::Rig};

pub(crate) fn bare(_: &Rig) -> Site {
    site(None)
}

pub(crate) fn ours(rig: &Rig) -> Site {
    site(Some(Arc::new(rig.equip(client::TracingMiddleware::builder()).build())))
}

pub(crate) fn reqwest_tracing(rig: &Rig) -> Site {
    let middleware = reqwest_tracing::TracingMiddleware::default();
    site(Some(Arc::new(middleware))).with_subscriber(subscriber(rig))
}

fn site(middleware: Option<Arc<dyn Middleware>>) -> Site {
    Site::new(move || driver(middleware.clone()))
}

fn driver(middleware: Option<Arc<dyn Middleware>>) -> Driver {
    let mut client = ClientBuilder::new(reqwest::Client::new());
    if let Some(middleware) = middleware {
        client = client.with_arc(middleware);
    }
    let client = client.with(Canned).build();
    let url = Url::parse("http://shop.example:8080/items/7").expect("a URL");
    let runtime = runtime();
    let send = async move |request| client.execute(request).await.expect("a canned response");
    Driver::new(move |requests| runtime.block_on(exchange(&url, requests, &send)))
}

/// Middleware that responds instead of a server.
struct Canned;

#[async_trait]
impl Middleware for Canned {
    async fn handle(
        &self,
        _: Request,
        _: &mut Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        Ok(http::Response::new("7").into())
    }
}
