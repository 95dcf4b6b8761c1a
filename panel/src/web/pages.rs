//! Handlers of pages.

use axum::{
    extract::{Path, Query as Parameters, State},
    http::StatusCode,
};
use maud::Markup;

use super::{frame::Frame, params::Params};
use crate::{
    analysis,
    model::{SpanId, TraceId, now},
    pages::{self, TraceList, TraceView},
    store::{InstrumentKey, Store},
};

/// Most rows of a list.
const MOST_ROWS: usize = 200;

type Answer = (StatusCode, Markup);

pub(super) async fn overview(
    frame: Frame,
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Markup {
    let choice = params.choice("15m");
    let read = store.read();
    let overview = analysis::overview(&read, choice.window);
    let in_flight = analysis::in_flight(&read, &store.running().list(), now());
    drop(read);
    frame.show(&pages::overview_page(&overview, &in_flight, &choice))
}

pub(super) async fn traces(
    frame: Frame,
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Answer {
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
    (status, frame.show(&page))
}

pub(super) async fn trace(
    frame: Frame,
    State(store): State<Store>,
    Path(id): Path<String>,
    Parameters(params): Parameters<Params>,
) -> Answer {
    let read = store.read();
    let Some(trace) = id.parse().ok().and_then(|id: TraceId| read.trace(id)) else {
        return missing(
            &frame,
            "This trace is not stored",
            "It has not been received, or it made room.",
        );
    };
    let (summary, spans) = (trace.summary(), trace.spans().to_vec());
    let logs = read.logs_of(trace.id());
    let peers = analysis::peers(&read, &summary.root);
    drop(read);
    let selected = params.span().and_then(|id| spans.iter().find(|span| span.id == id));
    let selected = selected.unwrap_or(&summary.root);
    let rows = analysis::rows(&spans);
    let page = pages::trace_page(&TraceView {
        summary: &summary,
        rows: &rows,
        logs: &logs,
        peers: &peers,
        selected,
        from: params.first_row(),
    });
    (StatusCode::OK, frame.show(&page))
}

pub(super) async fn compare(
    frame: Frame,
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Answer {
    let read = store.read();
    let traces = params.compared().map(|id| {
        let trace = read.trace(id?)?;
        Some((trace.summary(), trace.spans().to_vec()))
    });
    drop(read);
    let [Some((first, first_spans)), Some((second, second_spans))] = traces else {
        return missing(&frame, "A trace is not stored", "The address names two traces: ?a=…&b=…");
    };
    let rows = [first_spans, second_spans].map(|spans| analysis::rows(&spans));
    let differences = analysis::compare(&rows[0], &rows[1]);
    let page = pages::compare_page([&first, &second], &differences);
    (StatusCode::OK, frame.show(&page))
}

/// Details of a span, for the script that shows them beside the waterfall.
pub(super) async fn span(
    frame: Frame,
    State(store): State<Store>,
    Path((id, span)): Path<(String, String)>,
) -> Answer {
    let read = store.read();
    let trace = id.parse().ok().and_then(|id: TraceId| read.trace(id));
    let found = trace.zip(span.parse::<SpanId>().ok()).and_then(|(trace, id)| {
        Some((trace.spans().iter().find(|span| span.id == id)?, trace.id()))
    });
    match found {
        Some((span, id)) => (StatusCode::OK, pages::span_details(span, &read.logs_of(id))),
        None => {
            missing(&frame, "This span is not stored", "It has not been received, or it made room.")
        }
    }
}

pub(super) async fn running(frame: Frame, State(store): State<Store>) -> Markup {
    let running = store.running();
    let requests = running.list();
    let read = store.read();
    let traces = requests.iter().map(|request| request.trace_id);
    let stored = traces.filter(|id| read.trace(*id).is_some()).collect();
    drop(read);
    frame.show(&pages::running_page(&requests, &stored, running.unlisted(), now()))
}

pub(super) async fn map(
    frame: Frame,
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Markup {
    let choice = params.choice("15m");
    let map = analysis::service_map(&store.read(), choice.window);
    frame.show(&pages::map_page(&map, &choice))
}

pub(super) async fn errors(
    frame: Frame,
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Markup {
    let choice = params.choice("1h");
    let groups = analysis::error_groups(&store.read(), choice.window);
    frame.show(&pages::errors_page(&groups, &choice))
}

pub(super) async fn logs(
    frame: Frame,
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Answer {
    let choice = params.choice("all");
    let read = store.read();
    let nothing_stored = read.all_logs().next().is_none();
    match params.query() {
        Ok(query) => {
            let (hits, has_more) = read.logs(&query, params.before(), params.limit(MOST_ROWS));
            let page = pages::logs_page(&params.q, None, &choice, &hits, has_more, nothing_stored);
            (StatusCode::OK, frame.show(&page))
        }
        Err(error) => {
            let page =
                pages::logs_page(&params.q, Some(&error), &choice, &[], false, nothing_stored);
            (StatusCode::BAD_REQUEST, frame.show(&page))
        }
    }
}

pub(super) async fn metrics(frame: Frame, State(store): State<Store>) -> Markup {
    frame.show(&pages::metrics_page(store.read().instruments()))
}

pub(super) async fn metric(
    frame: Frame,
    State(store): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Answer {
    let read = store.read();
    let key = params
        .metric()
        .map(|(service, name)| InstrumentKey { service: service.into(), name: name.into() });
    match key.as_ref().and_then(|key| Some((key, read.instrument(key)?))) {
        Some((key, instrument)) => {
            (StatusCode::OK, frame.show(&pages::metric_page(key, instrument)))
        }
        None => missing(
            &frame,
            "This metric is not stored",
            "It has not been received, or it made room.",
        ),
    }
}

pub(super) async fn health(frame: Frame, State(store): State<Store>) -> Markup {
    let usage = store.read().usage();
    frame.show(&pages::health_page(store.counters(), &usage, store.memory()))
}

pub(super) async fn help(frame: Frame) -> Markup {
    frame.show(&pages::help_page())
}

pub(super) async fn not_found(frame: Frame) -> Answer {
    missing(&frame, "There is no such page", "The address is wrong.")
}

fn missing(frame: &Frame, title: &str, message: &str) -> Answer {
    (StatusCode::NOT_FOUND, frame.show(&pages::message_page(title, message)))
}
