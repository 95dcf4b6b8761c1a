use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
    sync::{Semaphore, oneshot},
    time::{sleep, timeout},
};

use super::endpoint::Endpoint;

/// Limits of connections from scrapers.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Maximum number of concurrent connections. Further ones wait in the backlog of the socket.
    connections: usize,
    /// Maximum time to receive the head of a request.
    head: Duration,
    /// Maximum duration of a connection.
    connection: Duration,
}

const LIMITS: Limits =
    Limits { connections: 32, head: Duration::from_secs(5), connection: Duration::from_secs(30) };

const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// Listener of an endpoint on a separate thread, so that it responds even if the runtime of the
/// service is blocked.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(crate) fn start(socket: TcpListener, endpoint: Endpoint) -> io::Result<Self> {
        Self::start_with(LIMITS, socket, endpoint)
    }

    fn start_with(limits: Limits, socket: TcpListener, endpoint: Endpoint) -> io::Result<Self> {
        let address = socket.local_addr()?;
        socket.set_nonblocking(true)?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        let run = move || run(&runtime, limits, socket, endpoint, stopped);
        let thread = thread::Builder::new().name("prometheus-listener".to_owned()).spawn(run)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the socket and all connections.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(
    runtime: &Runtime,
    limits: Limits,
    socket: TcpListener,
    endpoint: Endpoint,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        tokio::select! {
            () = accept(limits, socket, endpoint) => {}
            _ = stopped => {}
        }
    });
}

async fn accept(limits: Limits, socket: TcpListener, endpoint: Endpoint) {
    let socket = match tokio::net::TcpListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!("metrics are not served: {error}"),
    };
    let room = Arc::new(Semaphore::new(limits.connections));
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        let Ok((stream, _)) = socket.accept().await else {
            // For example, the process has no free file descriptor.
            sleep(PAUSE_AFTER_ERROR).await;
            continue;
        };
        let serving = serve(limits, stream, endpoint.clone());
        tokio::spawn(async move {
            let _ = timeout(limits.connection, serving).await;
            drop(place);
        });
    }
}

/// Serves one request. A connection that stays open would take the place of another scraper.
async fn serve(limits: Limits, stream: TcpStream, endpoint: Endpoint) {
    let respond = move |request: Request<Incoming>| {
        let (head, _) = request.into_parts();
        let response = endpoint.respond_async(head.method.as_str(), head.uri.path(), &head.headers);
        async move { Ok::<_, Infallible>(response.await.map(Full::<Bytes>::new)) }
    };
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service_fn(respond))
        .await;
}

#[cfg(test)]
mod tests;
