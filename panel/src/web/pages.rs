//! Handlers of pages.

use axum::{
    extract::{Path, Query as Parameters, State},
    http::StatusCode,
};
use maud::Markup;

use super::params::Params;
use crate::{
    analysis,
    model::{SpanId, TraceId},
    pages::{self, TraceList},
    store::{InstrumentKey, Store},
};

/// Most rows of a list.
const MOST_ROWS: usize = 200;

type Page = (StatusCode, Markup);

pub(super) async fn overview(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Markup {
    let choice = params.choice("15m");
    let overview = analysis::overview(&store.read(), choice.window);
    pages::overview_page(&overview, &choice)
}

pub(super) async fn traces(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Page {
    let choice = params.choice("all");
    let query = params.query();
    let read = store.read();
    let hits = match &query {
        Ok(query) => read.search(&params.search(query.clone(), choice.window)),
        Err(_) => Vec::new(),
    };
    let facets = analysis::facets(&hits);
    let status = if query.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let nothing_stored = read.traces().next().is_none();
    drop(read);
    let page = pages::traces_page(&TraceList {
        query: &params.q,
        choice: &choice,
        order: params.order(),
        error: query.as_ref().err(),
        hits: &hits,
        facets: &facets,
        most: params.limit(MOST_ROWS),
        nothing_stored,
    });
    (status, page)
}

pub(super) async fn trace(
    State(store): State<Store>,
    Path(id): Path<String>,
    Parameters(params): Parameters<Params>,
) -> Page {
    let read = store.read();
    let Some(trace) = id.parse().ok().and_then(|id: TraceId| read.trace(id)) else {
        return missing("This trace is not stored", "It has not been received, or it made room.");
    };
    let (summary, spans) = (trace.summary(), trace.spans().to_vec());
    let logs = read.logs_of(trace.id());
    drop(read);
    let selected = params.span().and_then(|id| spans.iter().find(|span| span.id == id));
    let selected = selected.unwrap_or(&summary.root);
    let rows = analysis::rows(&spans);
    let page = pages::trace_page(&summary, &rows, &logs, selected, params.first_row());
    (StatusCode::OK, page)
}

/// Details of a span, for the script that shows them beside the waterfall.
pub(super) async fn span(
    State(store): State<Store>,
    Path((id, span)): Path<(String, String)>,
) -> Page {
    let read = store.read();
    let trace = id.parse().ok().and_then(|id: TraceId| read.trace(id));
    let found = trace.zip(span.parse::<SpanId>().ok()).and_then(|(trace, id)| {
        Some((trace.spans().iter().find(|span| span.id == id)?, trace.id()))
    });
    match found {
        Some((span, id)) => (StatusCode::OK, pages::span_details(span, &read.logs_of(id))),
        None => missing("This span is not stored", "It has not been received, or it made room."),
    }
}

pub(super) async fn map(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Markup {
    let choice = params.choice("15m");
    let map = analysis::service_map(&store.read(), choice.window);
    pages::map_page(&map, &choice)
}

pub(super) async fn errors(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Markup {
    let choice = params.choice("1h");
    let groups = analysis::error_groups(&store.read(), choice.window);
    pages::errors_page(&groups, &choice)
}

pub(super) async fn logs(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Page {
    let choice = params.choice("all");
    let read = store.read();
    let nothing_stored = read.all_logs().next().is_none();
    match params.query() {
        Ok(query) => {
            let (hits, has_more) = read.logs(&query, params.before(), params.limit(MOST_ROWS));
            let page = pages::logs_page(&params.q, None, &choice, &hits, has_more, nothing_stored);
            (StatusCode::OK, page)
        }
        Err(error) => {
            let page =
                pages::logs_page(&params.q, Some(&error), &choice, &[], false, nothing_stored);
            (StatusCode::BAD_REQUEST, page)
        }
    }
}

pub(super) async fn metrics(State(store): State<Store>) -> Markup {
    pages::metrics_page(store.read().instruments())
}

pub(super) async fn metric(
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Page {
    let read = store.read();
    let key = params
        .metric()
        .map(|(service, name)| InstrumentKey { service: service.into(), name: name.into() });
    match key.as_ref().and_then(|key| Some((key, read.instrument(key)?))) {
        Some((key, instrument)) => (StatusCode::OK, pages::metric_page(key, instrument)),
        None => missing("This metric is not stored", "It has not been received, or it made room."),
    }
}

pub(super) async fn health(State(store): State<Store>) -> Markup {
    let usage = store.read().usage();
    pages::health_page(store.counters(), &usage, store.memory())
}

pub(super) async fn help() -> Markup {
    pages::help_page()
}

pub(super) async fn not_found() -> Page {
    missing("There is no such page", "The address is wrong.")
}

fn missing(title: &str, message: &str) -> Page {
    (StatusCode::NOT_FOUND, pages::message_page(title, message))
}
