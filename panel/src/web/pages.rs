//! Handlers of pages.

use axum::{
    extract::{Path, Query as Parameters, State},
    http::StatusCode,
};

use super::{
    api::{ENDPOINTS, PARAMETERS, TYPES},
    app::App,
    frame::{Answer, Frame},
    params::Params,
};
use crate::{
    analysis,
    model::{SpanId, TraceId, now},
    pages::{self, TraceList, TraceView},
    source::Need,
    store::{InstrumentKey, Store},
};

/// Maximum number of rows in a list.
const MOST_ROWS: usize = 200;

const NOT_STORED: &str = "It has not been received, or it made room.";

type Response = Result<Answer, Answer>;

pub(super) async fn overview(
    frame: Frame,
    State(own): State<Store>,
    Parameters(params): Parameters<Params>,
) -> Response {
    let choice = params.choice("15m");
    let store = frame.load(Need::Requests(choice.window)).await?;
    let read = store.read();
    let overview = analysis::overview(&read, choice.window);
    let in_flight = analysis::in_flight(&read, &own.running().list(), now());
    drop(read);
    Ok(frame.found(&pages::overview_page(&overview, &in_flight, &choice)))
}

pub(super) async fn traces(frame: Frame, Parameters(params): Parameters<Params>) -> Response {
    let choice = params.choice("all");
    let query = params.query();
    let search = query.clone().map(|query| params.search(query, choice.window));
    let store = match &search {
        Ok(search) => frame.load(Need::Search(search)).await?,
        Err(_) => Store::new(0),
    };
    let read = store.read();
    let hits = search.as_ref().map(|search| read.search(search)).unwrap_or_default();
    let facets = analysis::facets(&hits);
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
    let status = if query.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok((status, frame.show(&page)))
}

pub(super) async fn trace(
    frame: Frame,
    Path(id): Path<String>,
    Parameters(params): Parameters<Params>,
) -> Response {
    let Ok(id) = id.parse::<TraceId>() else {
        return Ok(frame.missing("This trace is not stored", NOT_STORED));
    };
    let store = frame.load(Need::Traces(&[id])).await?;
    let read = store.read();
    let Some(trace) = read.trace(id) else {
        return Ok(frame.missing("This trace is not stored", NOT_STORED));
    };
    let (summary, spans) = (trace.summary(), trace.spans().to_vec());
    let logs = read.logs_of(trace.id());
    let peers = analysis::peers(&read, &summary.root);
    drop(read);
    let selected = params.span().and_then(|id| spans.iter().find(|span| span.id == id));
    let selected = selected.unwrap_or(&summary.root);
    let rows = analysis::rows(&spans);
    Ok(frame.found(&pages::trace_page(&TraceView {
        summary: &summary,
        rows: &rows,
        logs: &logs,
        peers: &peers,
        selected,
        from: params.first_row(),
    })))
}

pub(super) async fn compare(frame: Frame, Parameters(params): Parameters<Params>) -> Response {
    let missing =
        || Ok(frame.missing("A trace is not stored", "The address names two traces: ?a=…&b=…"));
    let [Some(first), Some(second)] = params.compared() else { return missing() };
    let store = frame.load(Need::Traces(&[first, second])).await?;
    let read = store.read();
    let traces = [first, second].map(|id| {
        let trace = read.trace(id)?;
        Some((trace.summary(), trace.spans().to_vec()))
    });
    drop(read);
    let [Some((first, first_spans)), Some((second, second_spans))] = traces else {
        return missing();
    };
    let rows = [first_spans, second_spans].map(|spans| analysis::rows(&spans));
    let differences = analysis::compare(&rows[0], &rows[1]);
    Ok(frame.found(&pages::compare_page([&first, &second], &differences)))
}

/// Returns the details of a span, for the script that shows them beside the waterfall.
pub(super) async fn span(frame: Frame, Path((id, span)): Path<(String, String)>) -> Response {
    let ids = id.parse::<TraceId>().ok().zip(span.parse::<SpanId>().ok());
    let missing = || Ok(frame.missing("This span is not stored", NOT_STORED));
    let Some((id, span)) = ids else { return missing() };
    let store = frame.load(Need::Traces(&[id])).await?;
    let read = store.read();
    let trace = read.trace(id);
    match trace.and_then(|trace| trace.spans().iter().find(|known| known.id == span)) {
        Some(span) => Ok((StatusCode::OK, pages::span_details(span, &read.logs_of(id)))),
        None => missing(),
    }
}

pub(super) async fn running(frame: Frame, State(own): State<Store>) -> Answer {
    let running = own.running();
    let requests = running.list();
    let read = own.read();
    let traces = requests.iter().map(|request| request.trace_id);
    let stored = traces.filter(|id| read.trace(*id).is_some()).collect();
    drop(read);
    frame.found(&pages::running_page(&requests, &stored, running.unlisted(), now()))
}

pub(super) async fn map(frame: Frame, Parameters(params): Parameters<Params>) -> Response {
    let choice = params.choice("15m");
    let store = frame.load(Need::Requests(choice.window)).await?;
    let map = analysis::service_map(&store.read(), choice.window);
    Ok(frame.found(&pages::map_page(&map, &choice)))
}

pub(super) async fn errors(frame: Frame, Parameters(params): Parameters<Params>) -> Response {
    let choice = params.choice("1h");
    let store = frame.load(Need::Requests(choice.window)).await?;
    let groups = analysis::error_groups(&store.read(), choice.window);
    Ok(frame.found(&pages::errors_page(&groups, &choice)))
}

pub(super) async fn logs(frame: Frame, Parameters(params): Parameters<Params>) -> Response {
    let choice = params.choice("all");
    let store = frame.load(Need::Logs).await?;
    let read = store.read();
    let nothing_stored = read.all_logs().next().is_none();
    match params.query() {
        Ok(query) => {
            let (hits, has_more) = read.logs(&query, params.before(), params.limit(MOST_ROWS));
            let page = pages::logs_page(&params.q, None, &choice, &hits, has_more, nothing_stored);
            Ok(frame.found(&page))
        }
        Err(error) => {
            let page =
                pages::logs_page(&params.q, Some(&error), &choice, &[], false, nothing_stored);
            Ok((StatusCode::BAD_REQUEST, frame.show(&page)))
        }
    }
}

pub(super) async fn metrics(frame: Frame) -> Response {
    let store = frame.load(Need::Instruments).await?;
    Ok(frame.found(&pages::metrics_page(store.read().instruments())))
}

pub(super) async fn metric(frame: Frame, Parameters(params): Parameters<Params>) -> Response {
    let missing = || Ok(frame.missing("This metric is not stored", NOT_STORED));
    let Some((service, name)) = params.metric() else { return missing() };
    let key = InstrumentKey { service: service.into(), name: name.into() };
    let choice = params.choice("all");
    let store = frame.load(Need::Metric(&key, choice.window)).await?;
    let read = store.read();
    match read.instrument(&key) {
        Some(instrument) => Ok(frame.found(&pages::metric_page(&key, instrument, &choice))),
        None => missing(),
    }
}

pub(super) async fn health(frame: Frame, State(app): State<App>) -> Answer {
    let store = &app.intake.store;
    let usage = store.read().usage();
    let forward = app.intake.forward.as_deref();
    frame.found(&pages::health_page(store.counters(), &usage, store.memory(), forward))
}

pub(super) async fn help(frame: Frame) -> Answer {
    frame.found(&pages::help_page())
}

pub(super) async fn api(frame: Frame) -> Answer {
    frame.found(&pages::api_page(&ENDPOINTS, &PARAMETERS, &TYPES))
}

pub(super) async fn not_found(frame: Frame) -> Answer {
    frame.missing("There is no such page", "The address is wrong.")
}
