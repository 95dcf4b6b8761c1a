use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
    sync::{Semaphore, oneshot},
    time::{sleep, timeout},
};

use super::{control::ControlRoutes, endpoint::Endpoint};

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

/// Handlers of requests.
#[derive(Clone)]
struct Routes {
    endpoint: Endpoint,
    control: Option<Arc<ControlRoutes>>,
}

/// Listener of an endpoint on a separate thread, so that it responds even if the runtime of the
/// service is blocked.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(super) fn start(
        socket: TcpListener,
        endpoint: Endpoint,
        control: Option<Arc<ControlRoutes>>,
    ) -> io::Result<Self> {
        Self::start_with(LIMITS, socket, Routes { endpoint, control })
    }

    fn start_with(limits: Limits, socket: TcpListener, routes: Routes) -> io::Result<Self> {
        let address = socket.local_addr()?;
        socket.set_nonblocking(true)?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        let run = move || run(&runtime, limits, socket, routes, stopped);
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
    routes: Routes,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        tokio::select! {
            () = accept(limits, socket, routes) => {}
            _ = stopped => {}
        }
    });
}

async fn accept(limits: Limits, socket: TcpListener, routes: Routes) {
    let socket = match tokio::net::TcpListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!("metrics are not served: {error}"),
    };
    let room = Arc::new(Semaphore::new(limits.connections));
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        let Ok((stream, peer)) = socket.accept().await else {
            // For example, the process has no free file descriptor.
            sleep(PAUSE_AFTER_ERROR).await;
            continue;
        };
        let serving = serve(limits, stream, peer, routes.clone());
        tokio::spawn(async move {
            let _ = timeout(limits.connection, serving).await;
            drop(place);
        });
    }
}

/// Serves one request. A connection that stays open would take the place of another scraper.
async fn serve(limits: Limits, stream: TcpStream, peer: SocketAddr, routes: Routes) {
    let respond = move |request: Request<Incoming>| {
        let routes = routes.clone();
        async move {
            let response = routes.respond(peer, request).await;
            Ok::<_, Infallible>(response.map(Full::<Bytes>::new))
        }
    };
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service_fn(respond))
        .await;
}

impl Routes {
    async fn respond(&self, peer: SocketAddr, request: Request<Incoming>) -> Response<Bytes> {
        let (head, body) = request.into_parts();
        let control = self.control.as_ref().filter(|_| ControlRoutes::has(head.uri.path()));
        if let Some(control) = control {
            return control.respond(peer, head, body).await;
        }
        let (method, path) = (head.method.as_str(), head.uri.path());
        self.endpoint.respond_async(method, path, &head.headers).await
    }
}

#[cfg(test)]
mod tests;
