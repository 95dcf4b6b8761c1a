use std::sync::mpsc::Sender;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
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
use tonic::{Status, codec::CompressionEncoding::Gzip, codegen::Service};

use super::collector::{Export, Reply, all_logs, all_metrics, names};

/// Services of a collector for one request.
struct Services {
    path: String,
    headers: HeaderMap,
    reply: Reply,
    exports: Sender<Export>,
}

/// Handles a request with the server of tonic.
pub(super) async fn answer(
    request: Request<Incoming>,
    reply: Reply,
    exports: Sender<Export>,
) -> Response<UnsyncBoxBody<Bytes, Status>> {
    let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
    let (is_metrics, is_logs) = (path.contains("Metrics"), path.contains("Logs"));
    let services = Services { path, headers, reply, exports };
    let answered = match is_metrics {
        true => MetricsServiceServer::new(services).accept_compressed(Gzip).call(request).await,
        false if is_logs => {
            LogsServiceServer::new(services).accept_compressed(Gzip).call(request).await
        }
        false => TraceServiceServer::new(services).accept_compressed(Gzip).call(request).await,
    };
    let Ok(answered) = answered;
    answered.map(|body| body.boxed_unsync())
}

impl Services {
    /// Returns the number of rejected items and the message.
    async fn take(&self, export: Export) -> Result<Option<(i64, String)>, Status> {
        self.exports.send(export).unwrap();
        match self.reply.clone() {
            Reply::Accept => Ok(None),
            Reply::Partial(rejected, message) => Ok(Some((rejected, message.to_owned()))),
            Reply::Status(status) => Err(status),
            Reply::Refuse(..) | Reply::AcceptUpTo(_) => {
                panic!("a status of HTTP is not one of gRPC")
            }
            Reply::Never => std::future::pending().await,
        }
    }

    fn export(&self) -> Export {
        Export {
            path: self.path.clone(),
            headers: self.headers.clone(),
            spans: Vec::new(),
            metrics: Vec::new(),
            logs: Vec::new(),
            text: String::new(),
        }
    }
}

#[tonic::async_trait]
impl TraceService for Services {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        let export = Export { spans: names(request.into_inner()), ..self.export() };
        let partial_success = self.take(export).await?.map(|(rejected_spans, error_message)| {
            ExportTracePartialSuccess { rejected_spans, error_message }
        });
        Ok(tonic::Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl MetricsService for Services {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, Status> {
        let export = Export { metrics: all_metrics(request.into_inner()), ..self.export() };
        let partial_success =
            self.take(export).await?.map(|(rejected_data_points, error_message)| {
                ExportMetricsPartialSuccess { rejected_data_points, error_message }
            });
        Ok(tonic::Response::new(ExportMetricsServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl LogsService for Services {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, Status> {
        let export = Export { logs: all_logs(request.into_inner()), ..self.export() };
        let partial_success =
            self.take(export).await?.map(|(rejected_log_records, error_message)| {
                ExportLogsPartialSuccess { rejected_log_records, error_message }
            });
        Ok(tonic::Response::new(ExportLogsServiceResponse { partial_success }))
    }
}
