use std::pin::Pin;

use futures_util::Stream;
use tonic::{
    Request, Response, Status,
    metadata::{KeyAndValueRef, MetadataMap, MetadataValue},
};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_server::Health};

use crate::{calls::Calls, hop};

/// Metadata of the response: what each service of the chain has received, as JSON.
pub(crate) const HOPS: &str = "x-hops-bin";

/// The gRPC service of the chain. It is the one for health checks, because every language has it.
pub(crate) struct Chain(pub(crate) Calls);

#[tonic::async_trait]
impl Health for Chain {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let metadata = request.metadata();
        let mut hops = vec![hop::received("axum", text(metadata))];
        let chain = metadata.get(hop::CHAIN).and_then(|it| it.to_str().ok()).unwrap_or_default();
        if let Some((url, rest)) = hop::next(chain) {
            let others = self.0.call(url, rest).await;
            hops.extend(others.map_err(|error| Status::unavailable(format!("{url}: {error}")))?);
        }
        let mut response = Response::new(HealthCheckResponse::default());
        let hops =
            serde_json::to_vec(&hops).map_err(|error| Status::internal(error.to_string()))?;
        response.metadata_mut().insert_bin(HOPS, MetadataValue::from_bytes(&hops));
        Ok(response)
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("only single checks"))
    }
}

fn text(metadata: &MetadataMap) -> impl Iterator<Item = (&str, &[u8])> {
    metadata.iter().filter_map(|entry| match entry {
        KeyAndValueRef::Ascii(key, value) => Some((key.as_str(), value.as_encoded_bytes())),
        KeyAndValueRef::Binary(..) => None,
    })
}
