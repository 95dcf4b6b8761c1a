//! JSON API.

mod convert;
mod described;
mod endpoints;
mod types;

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query as Parameters, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

pub(super) use self::endpoints::{ENDPOINTS, PARAMETERS, TYPES};
use self::types::{
    CompletionBody, ErrorBody, ErrorsBody, HealthBody, LogsBody, MapBody, OverviewBody,
    RunningBody, TraceBody, TracesBody,
};
use super::{app::App, params::Params};
use crate::{
    analysis,
    model::{Span, TraceId, now},
    otlp::trace_json,
    query::QueryError,
    source::{Need, SourceError},
    store::{Signal, Store},
};

/// Response, or the reason why there is no response.
type Answer<T> = Result<Json<T>, Failure>;

/// Status and reason of a failed request.
pub(super) struct Failure(StatusCode, ErrorBody);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let position = Some(error.position());
        Self(StatusCode::BAD_REQUEST, ErrorBody { error: error.message().to_owned(), position })
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self(StatusCode::BAD_GATEWAY, ErrorBody { error: error.to_string(), position: None })
    }
}

fn not_stored() -> Failure {
    let error = "this trace is not stored".to_owned();
    Failure(StatusCode::NOT_FOUND, ErrorBody { error, position: None })
}

pub(super) async fn overview(
    State(app): State<App>,
    Parameters(params): Parameters<Params>,
) -> Answer<OverviewBody> {
    let window = params.choice("15m").window;
    let store = app.load(Need::Requests(window)).await?;
    let read = store.read();
    let overview = analysis::overview(&read, window);
    let in_flight = analysis::in_flight(&read, &app.intake.store.running().list(), now());
    drop(read);
    let operations = overview.rows.into_iter().map(Into::into).collect();
    Ok(Json(OverviewBody { total: overview.total.into(), operations, in_flight }))
}

pub(super) async fn traces(
    State(app): State<App>,
    Parameters(params): Parameters<Params>,
) -> Answer<TracesBody> {
    let search = params.search(params.query()?, params.choice("all").window);
    let store = app.load(Need::Search(&search)).await?;
    let hits = store.read().search(&search);
    Ok(Json(TracesBody { traces: hits.iter().map(Into::into).collect() }))
}

pub(super) async fn trace(State(app): State<App>, Path(id): Path<String>) -> Answer<TraceBody> {
    let id: TraceId = id.parse().map_err(|_| not_stored())?;
    let store = app.load(Need::Traces(&[id])).await?;
    let read = store.read();
    let trace = read.trace(id).ok_or_else(not_stored)?;
    let (summary, spans) = (trace.summary(), trace.spans().to_vec());
    let logs = read.logs_of(id);
    drop(read);
    Ok(Json(TraceBody::new(&summary, &analysis::rows(&spans), &logs)))
}

pub(super) async fn export(State(app): State<App>, Path(id): Path<String>) -> Response {
    download(&app, &id, "json", trace_json).await.into_response()
}

pub(super) async fn perfetto(State(app): State<App>, Path(id): Path<String>) -> Response {
    download(&app, &id, "perfetto.json", analysis::perfetto_json).await.into_response()
}

/// Returns a trace as a file with this suffix.
async fn download(
    app: &App,
    id: &str,
    ending: &str,
    convert: impl FnOnce(&[Arc<Span>]) -> String,
) -> Result<Response, Failure> {
    let id: TraceId = id.parse().map_err(|_| not_stored())?;
    let store = app.load(Need::Traces(&[id])).await?;
    let spans = store.read().trace(id).ok_or_else(not_stored)?.spans().to_vec();
    let name = format!("attachment; filename=\"{id}.{ending}\"");
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, convert(&spans)).into_response())
}

pub(super) async fn logs(
    State(app): State<App>,
    Parameters(params): Parameters<Params>,
) -> Answer<LogsBody> {
    let query = params.query()?;
    let store = app.load(Need::Logs).await?;
    let (hits, has_more) = store.read().logs(&query, params.before(), params.limit(200));
    let before = hits.last().filter(|_| has_more).map(|hit| hit.number);
    let records = hits.iter().map(|hit| (&*hit.record).into()).collect();
    Ok(Json(LogsBody { records, before }))
}

pub(super) async fn errors(
    State(app): State<App>,
    Parameters(params): Parameters<Params>,
) -> Answer<ErrorsBody> {
    let window = params.choice("1h").window;
    let store = app.load(Need::Requests(window)).await?;
    let groups = analysis::error_groups(&store.read(), window);
    Ok(Json(ErrorsBody { groups: groups.into_iter().map(Into::into).collect() }))
}

pub(super) async fn map(
    State(app): State<App>,
    Parameters(params): Parameters<Params>,
) -> Answer<MapBody> {
    let window = params.choice("15m").window;
    let store = app.load(Need::Requests(window)).await?;
    let map = analysis::service_map(&store.read(), window);
    let nodes = map.nodes.into_iter().map(Into::into).collect();
    Ok(Json(MapBody { nodes, edges: map.edges.into_iter().map(Into::into).collect() }))
}

pub(super) async fn running(State(store): State<Store>) -> Json<RunningBody> {
    let now = now();
    let requests = store.running().list().iter().map(|it| (it, now).into()).collect();
    Json(RunningBody { requests, unlisted: store.running().unlisted() })
}

pub(super) async fn complete(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Json<CompletionBody> {
    let read = store.read();
    let completion = analysis::complete(&read, params.searched(), &params.q, params.cursor());
    drop(read);
    Json(completion.into())
}

pub(super) async fn health(State(app): State<App>) -> Json<HealthBody> {
    let store = &app.intake.store;
    let signals = Signal::ALL.map(|signal| (signal, store.counters().of(signal)).into());
    Json(HealthBody {
        signals: signals.into(),
        memory: store.read().usage().map(Into::into).into(),
        forward: app.intake.forward.as_deref().map(Into::into),
    })
}
