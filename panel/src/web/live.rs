//! Live events for browsers.

use std::convert::Infallible;

use axum::{
    extract::{Query as Parameters, State},
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::params::Params;
use crate::{
    pages::log_row,
    query::Query,
    store::{LiveEvent, LiveGuard, Store},
};

/// Sends new log records as rows of the table.
pub(super) async fn logs(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Response {
    respond(&store, &params, |query, event| match event {
        LiveEvent::Log(record) if query.matches_log(&record) => {
            Event::default().event("record").json_data(log_row(&record).into_string()).ok()
        }
        _ => None,
    })
}

/// Sends new requests.
pub(super) async fn requests(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Response {
    respond(&store, &params, |query, event| match event {
        LiveEvent::Request(span) if query.matches_span(&span) => {
            let data =
                json!({ "traceId": span.trace_id.to_string(), "durationNanos": span.duration() });
            Event::default().event("request").json_data(data).ok()
        }
        _ => None,
    })
}

fn respond(
    store: &Store,
    params: &Params,
    convert: fn(&Query, LiveEvent) -> Option<Event>,
) -> Response {
    let query = match params.query() {
        Ok(query) => query,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    match store.subscribe() {
        Some(guard) => {
            Sse::new(events(guard, query, convert)).keep_alive(KeepAlive::default()).into_response()
        }
        None => (StatusCode::SERVICE_UNAVAILABLE, "too many live views are open").into_response(),
    }
}

/// Converts events. A slow browser receives the number of events that it missed.
fn events(
    guard: LiveGuard,
    query: Query,
    convert: fn(&Query, LiveEvent) -> Option<Event>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((guard, query), move |(mut guard, query)| async move {
        loop {
            let event = match guard.events.recv().await {
                Ok(event) => convert(&query, event),
                Err(RecvError::Lagged(missed)) => {
                    Some(Event::default().event("missed").data(missed.to_string()))
                }
                Err(RecvError::Closed) => return None,
            };
            if let Some(event) = event {
                return Some((Ok(event), (guard, query)));
            }
        }
    })
}
