//! Directives of a log filter.

use std::fmt;

use tracing::{
    Metadata, Subscriber,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    EnvFilter,
    filter::{LevelFilter, Targets},
    layer::{Context, Filter},
    registry::LookupSpan,
};

use crate::base::error::TelemetryError;

/// The default directives exclude OpenTelemetry's log lines below warnings.
pub(super) const DEFAULT: &str = "info,opentelemetry=warn";

/// Filter with directives such as `info,my_service=debug`.
///
/// Both variants give the same result for directives with levels and targets. `EnvFilter` looks up
/// each span that is entered or exited, which is required only for directives with spans or fields.
#[derive(Debug)]
pub(super) enum Directives {
    Targets(Targets),
    Spans(Box<EnvFilter>),
}

impl Directives {
    /// # Errors
    ///
    /// If a directive is invalid. The error contains `setting`.
    pub(super) fn parse(setting: &'static str, directives: String) -> Result<Self, TelemetryError> {
        let Some(filter) = env_filter(&directives) else {
            let expected = "filter directives such as info,my_service=debug";
            return Err(TelemetryError::setting(setting, directives, expected));
        };
        let has_spans = directives.contains(['[', '{']);
        let targets = (!has_spans).then(|| filter.to_string().parse().ok()).flatten();
        Ok(targets.map_or_else(|| Self::Spans(Box::new(filter)), Self::Targets))
    }
}

/// Parses directives, which may have whitespace around them.
///
/// `EnvFilter` accepts targets with whitespace, which no event has. A filter is duplicated by its text, which
/// must therefore be valid.
fn env_filter(directives: &str) -> Option<EnvFilter> {
    let parse = |directives: &str| {
        let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
        builder.parse(directives).ok()
    };
    let trimmed: Vec<_> = directives.split(',').map(str::trim).collect();
    let has_space =
        |it: &&str| it.split('[').next().is_some_and(|it| it.contains(char::is_whitespace));
    if trimmed.iter().any(has_space) {
        return None;
    }
    let filter = parse(&trimmed.join(","))?;
    parse(&filter.to_string()).is_some().then_some(filter)
}

impl Directives {
    /// Returns a filter with the same directives. An `EnvFilter` has the state of one subscriber.
    pub(super) fn duplicate(&self) -> Self {
        match self {
            Self::Targets(targets) => Self::Targets(targets.clone()),
            Self::Spans(filter) => Self::Spans(Box::new(EnvFilter::new(filter.to_string()))),
        }
    }

    /// Whether a directive selects events by their spans.
    pub(super) fn has_spans(&self) -> bool {
        matches!(self, Self::Spans(_))
    }
}

impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Targets(targets) => targets.fmt(f),
            Self::Spans(filter) => filter.fmt(f),
        }
    }
}

impl Default for Directives {
    fn default() -> Self {
        Self::Targets(DEFAULT.parse().unwrap_or_default())
    }
}

/// Calls the same method of either filter.
macro_rules! forward {
    ($self:ident.$method:ident::<$subscriber:ident>($($argument:expr),*)) => {
        match $self {
            Self::Targets(filter) => Filter::<$subscriber>::$method(filter, $($argument),*),
            Self::Spans(filter) => Filter::<$subscriber>::$method(&**filter, $($argument),*),
        }
    };
}

impl<S> Filter<S> for Directives
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn enabled(&self, metadata: &Metadata<'_>, cx: &Context<'_, S>) -> bool {
        forward!(self.enabled::<S>(metadata, cx))
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        forward!(self.callsite_enabled::<S>(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        forward!(self.max_level_hint::<S>())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        forward!(self.on_new_span::<S>(attributes, id, cx));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        forward!(self.on_record::<S>(id, values, cx));
    }

    fn on_enter(&self, id: &Id, cx: Context<'_, S>) {
        forward!(self.on_enter::<S>(id, cx));
    }

    fn on_exit(&self, id: &Id, cx: Context<'_, S>) {
        forward!(self.on_exit::<S>(id, cx));
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        forward!(self.on_close::<S>(id, cx));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tracing::Event;
    use tracing_subscriber::{Layer, Registry, layer::SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    pub(in crate::config::log_filter) struct Counter(Arc<AtomicUsize>);

    impl Counter {
        pub(in crate::config::log_filter) fn count(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl<S: Subscriber> Layer<S> for Counter {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns the number of test events that pass the filter.
    fn passed(filter: impl Filter<Registry> + Send + Sync + 'static) -> usize {
        let counter = Counter::default();
        let subscriber = Registry::default().with(counter.clone().with_filter(filter));
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!("here");
            tracing::info!("here");
            tracing::info_span!("order", item = 7).in_scope(|| tracing::debug!("here"));
            tracing::warn!(target: "shop::stock", "there");
            tracing::debug!(target: "shop::stock", "there");
            tracing::trace!(target: "shopping", "there");
        });
        counter.count()
    }

    #[test]
    fn directives_decide_like_an_env_filter() {
        for (directives, spans, count) in [
            ("info", false, 3),
            ("", false, 3),
            ("off,shop=debug", false, 2),
            ("shop", false, 3),
            ("warn,,shop::stock=info,", false, 2),
            ("ERROR,shop=off", false, 1),
            ("error,[order]=debug", true, 2),
            ("error,[order{item=7}]=debug", true, 2),
            ("error,[order{item=8}]=debug", true, 1),
        ] {
            let filter = Directives::parse("RUST_LOG", directives.to_owned()).unwrap();
            assert_eq!(matches!(filter, Directives::Spans(_)), spans, "{directives}: {filter:?}");
            let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
            let env_filter = builder.parse(directives).unwrap();
            assert_eq!(passed(filter.duplicate()), count, "{directives}");
            assert_eq!((passed(filter), passed(env_filter)), (count, count), "{directives}");
        }
    }

    #[test]
    fn whitespace_around_a_directive_is_ignored() {
        for directives in ["off, shop=debug", " off ,shop=debug\n", "off,\tshop = debug"] {
            let filter = Directives::parse("RUST_LOG", directives.to_owned());
            match directives.contains(" = ") {
                true => assert!(filter.is_err(), "{directives:?}"),
                false => assert_eq!(passed(filter.unwrap()), 2, "{directives:?}"),
            }
        }
    }

    #[test]
    fn a_target_that_no_event_has_is_an_error() {
        for directives in ["shop stock", "info,shop stock", "my-service\u{a0}x"] {
            let filter = Directives::parse("RUST_LOG", directives.to_owned());
            assert!(filter.is_err(), "{directives:?}: {filter:?}");
        }
    }

    #[test]
    fn the_default_requires_no_env_filter() {
        let filter = Directives::parse("RUST_LOG", DEFAULT.to_owned()).unwrap();
        assert_eq!(format!("{:?}", Directives::default()), format!("{filter:?}"));
        assert!(matches!(filter, Directives::Targets(_)));
    }
}
