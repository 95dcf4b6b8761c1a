use std::{
    mem,
    ops::{Deref, DerefMut},
    time::Duration,
};

use tracing_core_ext::exchange::{ErrorType, Exchange, Outcome};

/// Exchange of a client with a time limit that is enforced outside all middleware, by dropping the
/// request.
#[derive(Debug)]
pub(super) struct TimedExchange {
    exchange: Exchange,
    limit: Option<Duration>,
}

impl TimedExchange {
    pub(super) const fn new(exchange: Exchange, limit: Option<Duration>) -> Self {
        Self { exchange, limit }
    }

    /// Returns the exchange and leaves a no-op exchange behind.
    pub(super) const fn take(&mut self) -> Self {
        mem::replace(self, Self::new(Exchange::noop(), None))
    }
}

impl Deref for TimedExchange {
    type Target = Exchange;

    fn deref(&self) -> &Exchange {
        &self.exchange
    }
}

impl DerefMut for TimedExchange {
    fn deref_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }
}

impl Drop for TimedExchange {
    fn drop(&mut self) {
        let Some(limit) = self.limit.filter(|_| !self.exchange.has_ended()) else { return };
        let elapsed = self.exchange.elapsed();
        // A call that has lasted much longer had a different limit or none.
        if elapsed >= limit && elapsed - limit <= limit / 5 {
            self.exchange.set_error_message("the time limit of the client has passed");
            self.exchange.end(Outcome::Failed(ErrorType::Timeout));
        }
    }
}
