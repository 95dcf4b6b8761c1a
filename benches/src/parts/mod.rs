pub(crate) mod samplers;

use std::{cell::RefCell, hint::black_box, rc::Rc};

use http::{HeaderMap, Request};
use tracing_core_ext::{
    exchange::{Builder, Exchange, Instrumentation, Outcome},
    http::ResponseHead,
    propagation::Propagator,
    trace::Sampler,
};

use crate::{Driver, Mode, Site, request, rig::Rig};

pub(crate) fn extract(rig: &Rig) -> Site {
    let request = message(rig.mode);
    Site::new(move || {
        let (request, propagator) = (request.clone(), Propagator::w3c());
        Driver::new(move |times| {
            for _ in 0..times {
                black_box(propagator.extract(black_box(request.headers())));
            }
        })
    })
}

/// Injects into the same headers each time, so that their allocation is not counted.
pub(crate) fn inject(rig: &Rig) -> Site {
    let request = message(rig.mode);
    Site::new(move || {
        let propagator = Propagator::w3c();
        let context = propagator.extract(request.headers());
        let mut outbound = HeaderMap::new();
        Driver::new(move |times| {
            for _ in 0..times {
                propagator.inject(black_box(&context), black_box(&mut outbound));
            }
        })
    })
}

/// Keeps the exchanges, so that their end is not counted.
pub(crate) fn start(rig: &Rig) -> Site {
    on_exchanges(
        rig,
        |_, exchanges, count| {
            exchanges.clear();
            exchanges.reserve(count);
        },
        |start, exchanges, count| exchanges.extend((0..count).map(|_| start())),
    )
}

pub(crate) fn finish(rig: &Rig) -> Site {
    on_exchanges(
        rig,
        |start, exchanges, count| exchanges.extend((0..count).map(|_| start())),
        |_, exchanges, _| exchanges.drain(..).for_each(end),
    )
}

pub(crate) fn exchange(rig: &Rig) -> Site {
    on_exchanges(rig, |_, _, _| (), |start, _, count| (0..count).for_each(|_| end(start())))
}

/// Starts and ends exchanges whose sampler is `sampler`.
pub(crate) fn exchange_sampled_by(rig: &Rig, sampler: Sampler) -> Site {
    on_exchanges(
        &rig.sampled_by(sampler),
        |_, _, _| (),
        |start, _, count| {
            (0..count).for_each(|_| end(start()));
        },
    )
}

type Step = fn(&dyn Fn() -> Exchange, &mut Vec<Exchange>, usize);

fn on_exchanges(rig: &Rig, prepare: Step, run: Step) -> Site {
    let instrumentation: Instrumentation = rig.equip(Builder::new("benches", "1")).build();
    let request = message(rig.mode);
    Site::new(move || {
        let (instrumentation, request) = (instrumentation.clone(), request.clone());
        let start: Rc<dyn Fn() -> Exchange> =
            Rc::new(move || instrumentation.start_server(&request));
        let exchanges = Rc::new(RefCell::new(Vec::new()));
        let (first, prepared) = (start.clone(), exchanges.clone());
        Driver::prepared(
            move |count| prepare(&*first, &mut prepared.borrow_mut(), count),
            move |count| run(&*start, &mut exchanges.borrow_mut(), count),
        )
    })
}

fn end(mut exchange: Exchange) {
    exchange.on_response(&ResponseHead::new(200, Some(2), &HeaderMap::new()));
    exchange.end(Outcome::Complete);
}

fn message(mode: Mode) -> Request<()> {
    let request = Request::get(request::PATH);
    let request =
        request::headers(mode).fold(request, |request, (name, value)| request.header(name, value));
    request.body(()).expect("a valid request")
}
