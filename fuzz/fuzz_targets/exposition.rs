//! Pages for Prometheus, from any instruments, attributes and values, read by strict parsers.
#![no_main]

use arbitrary::Arbitrary;
use fuzz::exposition::{Format, check};
use libfuzzer_sys::fuzz_target;
use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{Meter, MeterProvider},
};
use tracing_core_ext::fuzzing::{Exemplar, scrape};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    resource: Vec<(&'a str, &'a str)>,
    scopes: Vec<Scope<'a>>,
}

#[derive(Arbitrary, Debug)]
struct Scope<'a> {
    name: &'a str,
    version: Option<&'a str>,
    schema_url: Option<&'a str>,
    attributes: Vec<(&'a str, &'a str)>,
    instruments: Vec<Instrument<'a>>,
}

#[derive(Arbitrary, Debug)]
struct Instrument<'a> {
    kind: u8,
    name: &'a str,
    unit: &'a str,
    description: &'a str,
    bounds: Vec<i8>,
    points: Vec<(Vec<(&'a str, Value<'a>)>, f64)>,
}

#[derive(Arbitrary, Clone, Debug)]
enum Value<'a> {
    Text(&'a str),
    Int(i64),
    Float(f64),
    Bool(bool),
}

fuzz_target!(|input: Input<'_>| {
    let resource = input.resource.iter().map(|(key, value)| text(key, value)).collect();
    let scopes: Vec<_> =
        input.scopes.iter().map(|scope| (scope.build(), &scope.instruments)).collect();
    let of_scope = |(scope, instruments): &(InstrumentationScope, &Vec<Instrument<'_>>)| {
        instruments.iter().flat_map(|it| it.exemplars(scope)).collect::<Vec<_>>()
    };
    let exemplars: Vec<_> = scopes.iter().flat_map(of_scope).collect();
    let pages = scrape(resource, &exemplars, |provider| {
        for (scope, instruments) in &scopes {
            let meter = provider.meter_with_scope(scope.clone());
            instruments.iter().for_each(|instrument| instrument.measure(&meter));
        }
    });
    let pages = pages.expect("pages");
    for (page, format) in [(&pages.openmetrics, Format::OpenMetrics), (&pages.text, Format::Text)] {
        if let Err(error) = check(page, format) {
            panic!("{error}\n{page}");
        }
    }
});

impl Scope<'_> {
    fn build(&self) -> InstrumentationScope {
        let attributes = self.attributes.iter().map(|(key, value)| text(key, value));
        let scope = InstrumentationScope::builder(self.name.to_owned()).with_attributes(attributes);
        let scope =
            self.version.iter().fold(scope, |scope, it| scope.with_version((*it).to_owned()));
        let urls = self.schema_url.iter();
        urls.fold(scope, |scope, it| scope.with_schema_url((*it).to_owned())).build()
    }
}

impl Instrument<'_> {
    fn bounds(&self) -> Vec<f64> {
        let mut bounds: Vec<_> = self.bounds.iter().map(|bound| f64::from(*bound) / 4.0).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        bounds
    }

    fn points(&self) -> impl Iterator<Item = (Vec<KeyValue>, f64)> {
        self.points.iter().map(|(attributes, value)| {
            let attributes = attributes.iter().map(|(key, value)| {
                let key = (*key).to_owned();
                match value {
                    Value::Text(text) => KeyValue::new(key, (*text).to_owned()),
                    Value::Int(number) => KeyValue::new(key, *number),
                    Value::Float(number) => KeyValue::new(key, *number),
                    Value::Bool(value) => KeyValue::new(key, *value),
                }
            });
            (attributes.collect(), *value)
        })
    }

    fn measure(&self, meter: &Meter) {
        let name = self.name.to_owned();
        macro_rules! build {
            ($builder:expr) => {
                $builder
                    .with_unit(self.unit.to_owned())
                    .with_description(self.description.to_owned())
                    .build()
            };
        }
        match self.kind % 6 {
            0 => {
                let counter = build!(meter.u64_counter(name));
                self.points().for_each(|(labels, value)| counter.add(value.abs() as u64, &labels));
            }
            // A counter of floating-point numbers counts whatever is added, and only that which can be
            // added is its user's duty.
            1 => {
                let counter = build!(meter.f64_counter(name));
                let added = self.points().filter(|(_, value)| *value >= 0.0);
                added.for_each(|(labels, value)| counter.add(value, &labels));
            }
            2 => {
                let counter = build!(meter.f64_up_down_counter(name));
                self.points().for_each(|(labels, value)| counter.add(value, &labels));
            }
            3 => {
                let gauge = build!(meter.f64_gauge(name));
                self.points().for_each(|(labels, value)| gauge.record(value, &labels));
            }
            4 => {
                let histogram = meter.f64_histogram(name).with_boundaries(self.bounds());
                let histogram = build!(histogram);
                self.points().for_each(|(labels, value)| histogram.record(value, &labels));
            }
            _ => {
                let points: Vec<_> = self.points().collect();
                let observe = move |observer: &dyn opentelemetry::metrics::AsyncInstrument<f64>| {
                    points.iter().for_each(|(labels, value)| observer.observe(*value, labels));
                };
                build!(meter.f64_observable_gauge(name).with_callback(observe));
            }
        }
    }

    fn exemplars(&self, scope: &InstrumentationScope) -> Vec<Exemplar> {
        let exemplar = |(attributes, value)| Exemplar {
            scope: scope.clone(),
            name: self.name.to_owned(),
            unit: self.unit.to_owned(),
            bounds: self.bounds(),
            attributes,
            value,
        };
        let is_histogram = self.kind % 6 == 4;
        self.points().filter(|_| is_histogram).map(exemplar).collect()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue::new(key.to_owned(), value.to_owned())
}
