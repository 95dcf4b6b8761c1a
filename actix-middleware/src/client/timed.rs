use std::{
    mem,
    ops::{Deref, DerefMut},
    time::Duration,
};

use tracing_core_ext::exchange::{ErrorType, Exchange, Outcome};

/// The exchange of a client with a time limit that is outside of all middleware. The limit only drops what is inside.
#[derive(Debug)]
pub(super) struct TimedExchange {
    exchange: Exchange,
    limit: Option<Duration>,
}

impl TimedExchange {
    pub(super) const fn new(exchange: Exchange, limit: Option<Duration>) -> Self {
        Self { exchange, limit }
    }

    /// Takes the exchange out and leaves a no-op behind.
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
        // A call that is much older had no such limit.
        if elapsed >= limit && elapsed - limit <= limit / 5 {
            self.exchange.set_error_message("the time limit of the client has passed");
            self.exchange.end(Outcome::Failed(ErrorType::Timeout));
        }
    }
}
