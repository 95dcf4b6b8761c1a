use std::fmt;

use tracing::{Dispatch, dispatcher};

/// A service that is ready, and how to send it requests.
pub struct Driver {
    subscriber: Option<Dispatch>,
    send: Box<dyn FnMut(usize)>,
}

impl Driver {
    pub(crate) fn new(send: impl FnMut(usize) + 'static) -> Self {
        Self { subscriber: None, send: Box::new(send) }
    }

    pub(crate) fn with_subscriber(self, subscriber: Option<Dispatch>) -> Self {
        Self { subscriber, ..self }
    }

    /// Makes the subscriber it needs the one of the whole process, which is what services do, and faster.
    ///
    /// # Panics
    ///
    /// Where there is one already.
    #[must_use]
    pub fn install(mut self) -> Self {
        if let Some(subscriber) = self.subscriber.take() {
            dispatcher::set_global_default(subscriber).expect("one case in a process");
        }
        self
    }

    /// Sends `requests` one after the other and reads the bodies of the responses to their ends.
    pub fn run(&mut self, requests: usize) {
        match &self.subscriber {
            Some(subscriber) => dispatcher::with_default(subscriber, || (self.send)(requests)),
            None => (self.send)(requests),
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("subscriber", &self.subscriber).finish_non_exhaustive()
    }
}
