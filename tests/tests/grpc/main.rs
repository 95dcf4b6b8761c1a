//! gRPC: a tonic server behind `TracingLayer` and a tonic client over `ClientLayer`, connected by a
//! socket.

mod answers;

use std::{net::SocketAddr, pin::Pin, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, Uri, Version, header::CONTENT_TYPE},
};
use futures_util::{Stream, StreamExt};
use http_body_util::{BodyExt, Full};
use opentelemetry::trace::SpanKind;
use tests::{
    EndedSpanExt, HandlerControl, MetricSink, ScriptStep, SpanSink, assert_error, assert_no_error,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{
    Code,
    service::Routes,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_client::HealthClient,
    health_server::{Health, HealthServer},
};
use tower::{Layer, ServiceBuilder, ServiceExt};
use tracing_axum_layer::{RouteLayer, TracingLayer};
use tracing_core_ext::client::{ClientLayer, ClientService};
use tracing_core_ext::testing::EndedSpan;

/// A service that answers a check with the status in the name of the request, and streams a watch
/// from the script.
struct Scripted(HandlerControl);

#[tonic::async_trait]
impl Health for Scripted {
    async fn check(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, tonic::Status> {
        match request.into_inner().service.as_str() {
            "" => Ok(tonic::Response::new(HealthCheckResponse::default())),
            "pending" => {
                self.0.enter();
                std::future::pending().await
            }
            "panic" => panic!("scripted"),
            code => Err(tonic::Status::new(Code::from_bytes(code.as_bytes()), "scripted")),
        }
    }

    type WatchStream =
        Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, tonic::Status>> + Send>>;

    async fn watch(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, tonic::Status> {
        let messages = self.0.body().map(|step| match step {
            Ok(_) => Ok(HealthCheckResponse::default()),
            Err(_) => Err(tonic::Status::data_loss("scripted")),
        });
        Ok(tonic::Response::new(Box::pin(messages)))
    }
}

/// A client and a server with their own sinks.
struct Scene {
    client: HealthClient<ClientService<Channel>>,
    sink: SpanSink,
    address: SocketAddr,
    server_sink: SpanSink,
    control: HandlerControl,
    server: JoinHandle<()>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Puts the layer on tonic's server.
async fn scene() -> Scene {
    scene_serving(|layer, routes, listener| {
        let server = Server::builder().layer(layer).add_routes(routes);
        tokio::spawn(async move {
            server.serve_with_incoming(TcpIncoming::from(listener)).await.expect("a server");
        })
    })
    .await
}

/// Puts the layer on an axum router that contains tonic's services.
async fn scene_on_axum() -> Scene {
    scene_serving(|layer, routes, listener| {
        let app: Router = routes.into_axum_router().layer(layer);
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await.expect("a server") })
    })
    .await
}

async fn scene_serving(
    serve: impl FnOnce(TracingLayer, Routes, TcpListener) -> JoinHandle<()>,
) -> Scene {
    let (sink, server_sink, control) = (SpanSink::new(), SpanSink::new(), HandlerControl::new());
    let layer = TracingLayer::builder().tracer_provider(&server_sink.provider()).build();
    let routes = Routes::new(HealthServer::new(Scripted(control.clone())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = serve(layer, routes, listener);
    let client = client(address, &sink);
    Scene { client, sink, address, server_sink, control, server }
}

fn client(address: SocketAddr, sink: &SpanSink) -> HealthClient<ClientService<Channel>> {
    let origin: Uri = format!("http://{address}").parse().unwrap();
    let layer = ClientLayer::builder().tracer_provider(&sink.provider()).build();
    let endpoint = Endpoint::from(origin.clone());
    let channel = ServiceBuilder::new().layer(layer).service(endpoint.connect_lazy());
    HealthClient::with_origin(channel, origin)
}

/// A check that is answered with this status.
fn check(status: Code) -> HealthCheckRequest {
    let service = if status == Code::Ok { String::new() } else { i32::from(status).to_string() };
    HealthCheckRequest { service }
}

fn pending() -> HealthCheckRequest {
    HealthCheckRequest { service: "pending".to_owned() }
}

#[tokio::test]
async fn a_call_is_described_on_both_sides() {
    let mut scene = scene().await;

    scene.client.check(check(Code::Ok)).await.unwrap();

    let (client, server) = (scene.sink.only().await, scene.server_sink.only().await);
    assert!(server.is_child_of(&client));
    assert_eq!((&client.span_kind, &server.span_kind), (&SpanKind::Client, &SpanKind::Server));
    for span in [&client, &server] {
        assert_eq!(span.name, "grpc.health.v1.Health/Check");
        assert_eq!(span.text("rpc.system.name"), Some("grpc"));
        assert_eq!(span.text("rpc.method"), Some("grpc.health.v1.Health/Check"));
        assert_eq!(span.text("rpc.response.status_code"), Some("OK"));
        assert_eq!(span.text("http.request.method"), Some("POST"));
        assert_eq!(span.integer("http.response.status_code"), Some(200));
        assert_eq!(span.text("network.protocol.version"), Some("2"));
        assert_eq!(span.text("server.address"), Some("127.0.0.1"));
        assert_eq!(span.integer("server.port"), Some(scene.address.port().into()));
        assert_no_error(span);
    }
    let url = format!("http://{}/grpc.health.v1.Health/Check", scene.address);
    assert_eq!(client.text("url.full"), Some(url.as_str()));
    assert_eq!(server.text("url.path"), Some("/grpc.health.v1.Health/Check"));
    assert_eq!(server.text("url.scheme"), Some("http"));
    assert_eq!(server.attribute("http.route"), None);
}

#[tokio::test]
async fn a_route_of_axum_does_not_rename_a_call() {
    let mut scene = scene_on_axum().await;

    scene.client.check(check(Code::Ok)).await.unwrap();

    let span = scene.server_sink.only().await;
    assert_eq!(span.name, "grpc.health.v1.Health/Check");
    assert_eq!(span.text("rpc.method"), Some("grpc.health.v1.Health/Check"));
    assert_eq!(span.text("rpc.response.status_code"), Some("OK"));
    assert_eq!(span.text("http.route"), Some("/grpc.health.v1.Health/{*rest}"));
    assert_eq!(span.text("network.peer.address"), Some("127.0.0.1"));
    assert!(span.is_child_of(&scene.sink.only().await));
}

#[tokio::test]
async fn a_route_that_is_recorded_late_does_not_rename_a_call() {
    let sink = SpanSink::new();
    let layer = TracingLayer::builder().tracer_provider(&sink.provider()).build();
    let routes = Routes::new(HealthServer::new(Scripted(HandlerControl::new())));
    let router: Router = routes.into_axum_router().layer(RouteLayer::new());
    let call = Request::post("/grpc.health.v1.Health/Check");
    let call = call.header(CONTENT_TYPE, "application/grpc").body(Body::empty()).unwrap();

    layer.layer(router).oneshot(call).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.name, "grpc.health.v1.Health/Check");
    assert_eq!(span.text("http.route"), Some("/grpc.health.v1.Health/{*rest}"));
}

#[tokio::test]
async fn an_error_of_the_caller_is_an_error_only_of_the_client() {
    let caller_is_to_blame = [
        (Code::Cancelled, "CANCELLED"),
        (Code::InvalidArgument, "INVALID_ARGUMENT"),
        (Code::NotFound, "NOT_FOUND"),
        (Code::AlreadyExists, "ALREADY_EXISTS"),
        (Code::PermissionDenied, "PERMISSION_DENIED"),
        (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
        (Code::FailedPrecondition, "FAILED_PRECONDITION"),
        (Code::Aborted, "ABORTED"),
        (Code::OutOfRange, "OUT_OF_RANGE"),
        (Code::Unauthenticated, "UNAUTHENTICATED"),
    ];
    for (code, name) in caller_is_to_blame {
        let (client, server) = spans_of(code, name).await;
        assert_error(&client, name);
        assert_no_error(&server);
    }
}

#[tokio::test]
async fn a_failure_of_the_server_is_an_error_of_both() {
    let server_is_to_blame = [
        (Code::Unknown, "UNKNOWN"),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
        (Code::Unimplemented, "UNIMPLEMENTED"),
        (Code::Internal, "INTERNAL"),
        (Code::Unavailable, "UNAVAILABLE"),
        (Code::DataLoss, "DATA_LOSS"),
    ];
    for (code, name) in server_is_to_blame {
        let (client, server) = spans_of(code, name).await;
        assert_error(&client, name);
        assert_error(&server, name);
    }
}

/// Returns the client span and the server span of a check that is answered with this status.
async fn spans_of(code: Code, name: &str) -> (EndedSpan, EndedSpan) {
    let mut scene = scene().await;
    assert_eq!(scene.client.check(check(code)).await.unwrap_err().code(), code);
    let spans = (scene.sink.only().await, scene.server_sink.only().await);
    for span in [&spans.0, &spans.1] {
        assert_eq!(span.text("rpc.response.status_code"), Some(name));
        assert_eq!(span.integer("http.response.status_code"), Some(200));
    }
    spans
}

#[tokio::test]
async fn a_missing_service_is_unimplemented() {
    let mut scene = scene_serving(|layer, _, listener| {
        let server = Server::builder().layer(layer).add_routes(Routes::default());
        tokio::spawn(async move {
            server.serve_with_incoming(TcpIncoming::from(listener)).await.expect("a server");
        })
    })
    .await;

    scene.client.check(check(Code::Ok)).await.unwrap_err();

    let (client, server) = (scene.sink.only().await, scene.server_sink.only().await);
    assert_eq!(client.name, "grpc.health.v1.Health/Check");
    assert_eq!(server.name, "grpc", "callers cannot set a span name");
    assert_eq!(server.text("rpc.method"), Some("_OTHER"));
    let path = "/grpc.health.v1.Health/Check";
    assert_eq!(server.text("rpc.method_original"), Some(path));
    for span in [client, server] {
        assert_eq!(span.text("rpc.response.status_code"), Some("UNIMPLEMENTED"));
        assert_error(&span, "UNIMPLEMENTED");
    }
}

#[tokio::test]
async fn a_stream_lasts_until_its_trailers() {
    let mut scene = scene().await;
    let script = scene.control.script();
    script.send(ScriptStep::Data("one")).unwrap();

    let mut stream = scene.client.watch(check(Code::Ok)).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    script.send(ScriptStep::Data("two")).unwrap();
    stream.message().await.unwrap().unwrap();
    assert!(scene.sink.spans().is_empty());
    assert!(scene.server_sink.spans().is_empty());
    drop(script);
    assert_eq!(stream.message().await.unwrap(), None);

    for span in [scene.sink.only().await, scene.server_sink.only().await] {
        assert_eq!(span.name, "grpc.health.v1.Health/Watch");
        assert_eq!(span.text("rpc.response.status_code"), Some("OK"));
        assert_eq!(span.events.len(), 1, "the first byte: {span:#?}");
        assert_no_error(&span);
    }
}

#[tokio::test]
async fn a_failed_stream_has_its_status_in_the_trailers() {
    let mut scene = scene().await;
    let script = scene.control.script();
    script.send(ScriptStep::Data("one")).unwrap();

    let mut stream = scene.client.watch(check(Code::Ok)).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    script.send(ScriptStep::Error).unwrap();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::DataLoss);

    for span in [scene.sink.only().await, scene.server_sink.only().await] {
        assert_eq!(span.text("rpc.response.status_code"), Some("DATA_LOSS"));
        assert_error(&span, "DATA_LOSS");
    }
}

#[tokio::test]
async fn a_client_that_drops_a_stream_cancels_the_server() {
    let mut scene = scene().await;
    let script = scene.control.script();
    script.send(ScriptStep::Data("one")).unwrap();

    let mut stream = scene.client.watch(check(Code::Ok)).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    drop(stream);

    let (client, server) = (scene.sink.only().await, scene.server_sink.only().await);
    assert_no_error(&client);
    assert_error(&server, "cancelled_mid_body");
    for span in [client, server] {
        assert_eq!(span.attribute("rpc.response.status_code"), None);
    }
}

#[tokio::test]
async fn a_deadline_cancels_both() {
    let mut scene = scene().await;
    let mut request = tonic::Request::new(pending());
    // The server may start a tenth of it later.
    request.set_timeout(Duration::from_millis(500));

    let status = scene.client.check(request).await.unwrap_err();

    assert!(matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded), "{status:?}");
    let (client, server) = (scene.sink.only().await, scene.server_sink.only().await);
    assert_error(&client, "DEADLINE_EXCEEDED");
    assert_error(&server, "cancelled_before_head");
    for span in [client, server] {
        assert_named_by_its_method(&span);
        assert_eq!(span.text("rpc.response.status_code"), Some("DEADLINE_EXCEEDED"));
    }
}

fn assert_named_by_its_method(span: &EndedSpan) {
    assert_eq!(span.name, "grpc.health.v1.Health/Check");
    assert_eq!(span.text("rpc.method"), Some("grpc.health.v1.Health/Check"));
}

#[tokio::test]
async fn a_call_whose_caller_is_gone_keeps_its_method() {
    for mut scene in [scene().await, scene_on_axum().await] {
        let mut client = scene.client.clone();
        let call = tokio::spawn(async move { client.check(pending()).await });
        scene.control.entered().await;
        call.abort();

        let server = scene.server_sink.only().await;
        assert_named_by_its_method(&server);
        assert_eq!(server.text("rpc.response.status_code"), Some("CANCELLED"));
        assert_error(&server, "cancelled_before_head");
        let client = scene.sink.only().await;
        assert_named_by_its_method(&client);
        assert_no_error(&client);
        scene.client.check(check(Code::Ok)).await.unwrap();
    }
}

#[tokio::test]
async fn a_call_whose_handler_panics_keeps_its_method() {
    for mut scene in [scene().await, scene_on_axum().await] {
        let request = HealthCheckRequest { service: "panic".to_owned() };
        scene.client.check(request).await.unwrap_err();

        let server = scene.server_sink.only().await;
        assert_named_by_its_method(&server);
        assert_eq!(server.text("rpc.response.status_code"), Some("UNKNOWN"));
        assert_error(&server, "panic");
    }
}

#[tokio::test]
async fn an_unreachable_server_is_a_failed_request() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let sink = SpanSink::new();

    let status = client(closed, &sink).check(check(Code::Ok)).await.unwrap_err();

    assert_eq!(status.code(), Code::Unavailable);
    let span = sink.only().await;
    assert_eq!(span.name, "grpc.health.v1.Health/Check");
    assert_eq!(span.attribute("http.response.status_code"), None);
    assert_error(&span, "request_error");
}

#[tokio::test]
async fn a_server_without_grpc_has_the_status_that_its_client_derives() {
    for (http, code) in [
        (StatusCode::OK, Code::Unknown),
        (StatusCode::BAD_REQUEST, Code::Internal),
        (StatusCode::UNAUTHORIZED, Code::Unauthenticated),
        (StatusCode::FORBIDDEN, Code::PermissionDenied),
        (StatusCode::NOT_FOUND, Code::Unimplemented),
        (StatusCode::TOO_MANY_REQUESTS, Code::Unavailable),
        (StatusCode::INTERNAL_SERVER_ERROR, Code::Unknown),
        (StatusCode::GATEWAY_TIMEOUT, Code::Unavailable),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(move || async move { http });
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let sink = SpanSink::new();

        let status = client(address, &sink).check(check(Code::Ok)).await.unwrap_err();

        assert_eq!(status.code(), code, "tonic derives the same");
        let span = sink.only().await;
        let name = format!("{code:?}").to_ascii_uppercase();
        let recorded = span.text("rpc.response.status_code").unwrap().replace('_', "");
        assert_eq!(recorded, name);
        let error = if http == StatusCode::OK { "UNKNOWN" } else { http.as_str() };
        assert_error(&span, error);
        server.abort();
    }
}

#[tokio::test]
async fn the_size_of_a_request_that_tonic_does_not_declare_is_left_out() {
    let (sink, metrics) = (SpanSink::new(), MetricSink::new());
    let builder = TracingLayer::builder().tracer_provider(&sink.provider());
    let layer = builder.meter_provider(metrics.provider()).body_sizes(true).build();
    let call = Request::post("/grpc.health.v1.Health/Check").version(Version::HTTP_2);
    let call = call.header(CONTENT_TYPE, "application/grpc");
    let message = tonic::body::Body::new(Full::from("\0\0\0\0\0").map_err(|never| match never {}));
    let health = HealthServer::new(Scripted(HandlerControl::new()));

    let call = layer.layer(Routes::new(health).prepare()).oneshot(call.body(message).unwrap());
    call.await.unwrap().into_body().collect().await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.text("rpc.response.status_code"), Some("OK"));
    assert_eq!(span.attribute("http.request.body.size"), None);
    assert_eq!(span.integer("http.response.body.size"), Some(5));
    assert!(metrics.series("http.server.request.body.size").is_empty());
}
