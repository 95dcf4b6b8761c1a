use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use actix_middleware::Tracing;
use actix_web::{App, HttpResponse, HttpServer, web};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum_layer::TracingLayer;
use bytes::Bytes;
use examples::processes::{announce, told_to_stop};
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tracing_core_ext::client::Client;
use tracing_core_ext::telemetry::Telemetry;

/// One of the three services.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    /// Takes orders.
    Gateway,
    /// Knows what is in stock.
    Inventory,
    /// Knows what it costs.
    Pricing,
}

impl Role {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Gateway, Self::Inventory, Self::Pricing];

    /// The name of the service.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Inventory => "inventory",
            Self::Pricing => "pricing",
        }
    }
}

/// The service behind this one.
#[derive(Clone)]
struct Next {
    client: Client,
    url: String,
}

/// Is this service until the parent stops it.
pub(crate) async fn run(role: Role, port: u16, next: Option<String>) -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder().service_name(role.name()).install()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let next = Next::new(next.unwrap_or_default())?;
    announce(&url);
    match role {
        Role::Gateway => serve(listener, gateway(next)).await?,
        Role::Inventory => serve_inventory(listener, next).await?,
        Role::Pricing => serve(listener, pricing()).await?,
    }
    telemetry.shutdown()?;
    Ok(())
}

async fn serve(listener: TcpListener, app: Router) -> std::io::Result<()> {
    let app = app.layer(TracingLayer::new());
    axum::serve(listener, app).with_graceful_shutdown(told_to_stop()).await
}

fn gateway(next: Next) -> Router {
    Router::new().route("/checkout/{item}", get(checkout)).with_state(next)
}

async fn checkout(State(next): State<Next>, Path(item): Path<String>) -> Response {
    let (status, price) = next.ask("stock", &item).await;
    match item.as_str() {
        "catalogue" => (status, page_by_page(price)).into_response(),
        _ => (status, price).into_response(),
    }
}

/// A body that takes its time.
fn page_by_page(text: String) -> Body {
    Body::from_stream(stream::unfold(0, move |page| {
        let chunk = Bytes::from(format!("page {page}: {text}\n"));
        async move {
            sleep(Duration::from_millis(40)).await;
            (page < 5).then_some((Ok::<_, Infallible>(chunk), page + 1))
        }
    }))
}

async fn serve_inventory(listener: TcpListener, next: Next) -> std::io::Result<()> {
    let tracing = Tracing::new();
    let app = move || {
        App::new()
            .app_data(web::Data::new(next.clone()))
            .route("/stock/{item}", web::get().to(stock))
            .wrap(tracing.clone())
    };
    let server = HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(2);
    let running = server.listen(listener.into_std()?)?.run();
    let handle = running.handle();
    tokio::spawn(async move {
        told_to_stop().await;
        handle.stop(true).await;
    });
    running.await
}

async fn stock(next: web::Data<Next>, item: web::Path<String>) -> HttpResponse {
    count_on_shelf(&item);
    let (status, price) = next.ask("price", &item).await;
    let status = actix_web::http::StatusCode::from_u16(status.as_u16());
    HttpResponse::build(status.unwrap_or(actix_web::http::StatusCode::BAD_GATEWAY)).body(price)
}

#[tracing::instrument]
fn count_on_shelf(item: &str) {
    std::thread::sleep(Duration::from_millis(2));
}

fn pricing() -> Router {
    Router::new().route("/price/{item}", get(price))
}

async fn price(Path(item): Path<String>) -> Response {
    let (wait, status) = match item.as_str() {
        "honey" => (300, StatusCode::OK),
        "caviar" => (700, StatusCode::OK),
        "durian" => (5, StatusCode::INTERNAL_SERVER_ERROR),
        _ => (5, StatusCode::OK),
    };
    sleep(Duration::from_millis(wait)).await;
    (status, format!("{item}: {} cents", 100 + item.len())).into_response()
}

impl Next {
    fn new(url: String) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { client: Client::builder().wrap(client), url })
    }

    /// Its answer, passed on as it is.
    async fn ask(&self, what: &str, item: &str) -> (StatusCode, String) {
        let answer = self.client.get(format!("{}/{what}/{item}", self.url)).send().await;
        let Ok(answer) = answer else {
            return (StatusCode::BAD_GATEWAY, String::new());
        };
        (answer.status(), answer.text().await.unwrap_or_default())
    }
}
