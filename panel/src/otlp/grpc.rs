//! Receiver of OTLP over gRPC.

use axum::Router;
use opentelemetry_proto::tonic::collector::{
    logs::v1::{
        ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    metrics::v1::{
        ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use tonic::{Request, Response, Status, codec::CompressionEncoding::Gzip};

use super::{
    http::MOST_BODY_BYTES,
    intake::{Intake, Rejected},
};

/// Returns the three services of OTLP.
pub(crate) fn grpc_routes(intake: Intake) -> Router {
    let receiver = Receiver(intake);
    let traces = TraceServiceServer::new(receiver.clone());
    let logs = LogsServiceServer::new(receiver.clone());
    let metrics = MetricsServiceServer::new(receiver);
    let traces = traces.accept_compressed(Gzip).max_decoding_message_size(MOST_BODY_BYTES);
    let logs = logs.accept_compressed(Gzip).max_decoding_message_size(MOST_BODY_BYTES);
    let metrics = metrics.accept_compressed(Gzip).max_decoding_message_size(MOST_BODY_BYTES);
    Router::new()
        .route_service("/opentelemetry.proto.collector.trace.v1.TraceService/{*method}", traces)
        .route_service("/opentelemetry.proto.collector.logs.v1.LogsService/{*method}", logs)
        .route_service(
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/{*method}",
            metrics,
        )
}

#[derive(Clone)]
struct Receiver(Intake);

/// Returns number and reason of refused entries, if there are any.
fn part(rejected: &Rejected) -> Option<(i64, String)> {
    (rejected.count > 0).then(|| (rejected.count as i64, rejected.reason.to_owned()))
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let rejected = self.0.add_traces(request.into_inner());
        let partial_success = part(&rejected).map(|(rejected_spans, error_message)| {
            ExportTracePartialSuccess { rejected_spans, error_message }
        });
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let rejected = self.0.add_logs(request.into_inner());
        let partial_success = part(&rejected).map(|(rejected_log_records, error_message)| {
            ExportLogsPartialSuccess { rejected_log_records, error_message }
        });
        Ok(Response::new(ExportLogsServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let rejected = self.0.add_metrics(request.into_inner());
        let partial_success = part(&rejected).map(|(rejected_data_points, error_message)| {
            ExportMetricsPartialSuccess { rejected_data_points, error_message }
        });
        Ok(Response::new(ExportMetricsServiceResponse { partial_success }))
    }
}
