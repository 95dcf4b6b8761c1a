use std::{fmt, io, net::TcpListener};

use tracing::{Dispatch, dispatcher};

/// A service or a client, which any number of threads can use.
pub struct Site {
    subscriber: Option<Dispatch>,
    driver: Box<dyn Fn() -> Driver + Send + Sync>,
    serve: Option<Serve>,
}

type Serve = Box<dyn FnOnce(TcpListener) -> io::Result<()> + Send + Sync>;

/// Access of one thread to a [`Site`].
pub struct Driver {
    prepare: Box<dyn FnMut(usize)>,
    send: Box<dyn FnMut(usize)>,
}

impl Site {
    pub(crate) fn new(driver: impl Fn() -> Driver + Send + Sync + 'static) -> Self {
        Self { subscriber: None, driver: Box::new(driver), serve: None }
    }

    pub(crate) fn with_subscriber(self, subscriber: Option<Dispatch>) -> Self {
        Self { subscriber, ..self }
    }

    pub(crate) fn with_server(
        self,
        serve: impl FnOnce(TcpListener) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { serve: Some(Box::new(serve)), ..self }
    }

    /// Installs its subscriber for the whole process, as services do. A global subscriber is
    /// faster.
    ///
    /// # Panics
    ///
    /// If there is already one.
    #[must_use]
    pub fn install(mut self) -> Self {
        if let Some(subscriber) = self.subscriber.take() {
            dispatcher::set_global_default(subscriber).expect("one case in a process");
        }
        self
    }

    /// Returns a driver for the calling thread.
    pub fn driver(&self) -> Driver {
        (self.driver)()
    }

    /// Serves all connections on this thread, without end.
    ///
    /// # Errors
    ///
    /// If the site is not a server, or if the listener fails.
    pub fn serve(self, listener: TcpListener) -> io::Result<()> {
        let serve = self.serve.ok_or_else(|| io::Error::other("not a server"))?;
        serve(listener)
    }
}

impl Driver {
    /// Creates a driver that sends requests one after the other.
    pub(crate) fn new(send: impl FnMut(usize) + 'static) -> Self {
        Self::prepared(|_| (), send)
    }

    /// Creates a driver with a function for preparations that are not measured.
    pub(crate) fn prepared(
        prepare: impl FnMut(usize) + 'static,
        send: impl FnMut(usize) + 'static,
    ) -> Self {
        Self { prepare: Box::new(prepare), send: Box::new(send) }
    }

    /// Prepares this number of requests.
    pub fn prepare(&mut self, requests: usize) {
        (self.prepare)(requests);
    }

    /// Sends the prepared requests, and reads the bodies of the responses to their end.
    pub fn run(&mut self, requests: usize) {
        (self.send)(requests);
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("subscriber", &self.subscriber).finish_non_exhaustive()
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
