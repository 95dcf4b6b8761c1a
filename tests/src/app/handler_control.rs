use std::{
    io,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use opentelemetry::{
    Context,
    trace::{SpanId, TraceContextExt},
};
use tokio::sync::{Semaphore, mpsc};

/// Next step of a scripted body. The body ends when the script's sender is dropped.
pub enum ScriptStep {
    /// Yields data.
    Data(&'static str),
    /// Fails.
    Error,
    /// Panics.
    Panic,
    /// Runs code while it is polled.
    Run(Box<dyn FnOnce() + Send>),
}

/// State that a test shares with the handlers of its server. Clones share it.
#[derive(Clone, Debug)]
pub struct HandlerControl {
    entered: Arc<Semaphore>,
    released: Arc<Semaphore>,
    script: Arc<Mutex<Option<mpsc::UnboundedReceiver<ScriptStep>>>>,
    destructors: Arc<Mutex<Vec<SpanId>>>,
}

/// Value of a handler or a body. Its destructor notes the current span.
#[derive(Debug)]
pub struct Destructor(HandlerControl);

impl HandlerControl {
    /// Returns a state in which no handler was entered and no task was released.
    pub fn new() -> Self {
        Self {
            entered: Arc::new(Semaphore::new(0)),
            released: Arc::new(Semaphore::new(0)),
            script: Arc::default(),
            destructors: Arc::default(),
        }
    }

    /// Returns a value whose destructor notes the current span.
    pub fn destructor(&self) -> Destructor {
        Destructor(self.clone())
    }

    /// Returns the spans in which destructors have run.
    ///
    /// # Panics
    ///
    /// Never, because no code panics while the lock is held.
    pub fn spans_of_destructors(&self) -> Vec<SpanId> {
        self.destructors.lock().unwrap().clone()
    }

    /// Called by a handler that is being polled.
    pub fn enter(&self) {
        self.entered.add_permits(1);
    }

    /// Waits until a handler is being polled.
    pub async fn entered(&self) {
        take(&self.entered).await;
    }

    /// Lets one background task continue.
    pub fn release(&self) {
        self.released.add_permits(1);
    }

    /// Waits until [`release`](Self::release) is called.
    pub async fn released(&self) {
        take(&self.released).await;
    }

    /// Returns the sender for the body of the next response of `/stream`.
    ///
    /// # Panics
    ///
    /// Never, because no code panics while the lock is held.
    pub fn script(&self) -> mpsc::UnboundedSender<ScriptStep> {
        let (sender, receiver) = mpsc::unbounded_channel();
        *self.script.lock().unwrap() = Some(receiver);
        sender
    }

    /// Returns the scripted body.
    ///
    /// # Panics
    ///
    /// If there is no script, or if the script contains a panic.
    pub fn body(&self) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let script = self.script.lock().unwrap().take().expect("a script for the body");
        stream::unfold((script, self.destructor()), |(mut script, destructor)| async {
            loop {
                let chunk = match script.recv().await? {
                    ScriptStep::Data(data) => Ok(Bytes::from_static(data.as_bytes())),
                    ScriptStep::Error => Err(io::Error::other("scripted")),
                    ScriptStep::Panic => panic!("scripted"),
                    ScriptStep::Run(code) => {
                        code();
                        continue;
                    }
                };
                return Some((chunk, (script, destructor)));
            }
        })
    }
}

impl Drop for Destructor {
    fn drop(&mut self) {
        let span = Context::current().span().span_context().span_id();
        self.0.destructors.lock().unwrap().push(span);
    }
}

impl Default for HandlerControl {
    fn default() -> Self {
        Self::new()
    }
}

async fn take(semaphore: &Semaphore) {
    semaphore.acquire().await.expect("the semaphore is never closed").forget();
}
