//! The listener of a collector, on a thread of its own.

use std::{
    collections::VecDeque,
    io::{self, Read},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, runtime::Builder, sync::oneshot};

use super::{
    batch::Batch,
    metrics::Points,
    request::{Answer, ReceivedRequest},
};
use crate::testing::recorded::store::Store;

/// Largest body of a request, compressed and decompressed.
const MAX_BODY: usize = 64 << 20;

/// Answers of a collector.
#[derive(Debug, Default)]
pub(super) struct Script(Mutex<Answers>);

#[derive(Debug)]
struct Answers {
    next: VecDeque<Answer>,
    usual: Answer,
}

impl Default for Answers {
    fn default() -> Self {
        Self { next: VecDeque::new(), usual: Answer::Accept }
    }
}

impl Script {
    fn change<R>(&self, change: impl FnOnce(&mut Answers) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn push(&self, answers: impl IntoIterator<Item = Answer>) {
        self.change(|script| script.next.extend(answers));
    }

    pub(super) fn set_usual(&self, answer: Answer) {
        self.change(|script| script.usual = answer);
    }

    fn take(&self) -> Answer {
        self.change(|script| script.next.pop_front().unwrap_or_else(|| script.usual.clone()))
    }
}

/// Listener and its thread.
pub(super) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(
        script: Arc<Script>,
        store: Arc<Store>,
        points: Arc<Points>,
    ) -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = socket.local_addr()?;
        socket.set_nonblocking(true)?;
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let (stop, stopped) = oneshot::channel();
        let handler = Handler { script, store, points };
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(socket, handler) => {}
                    _ = stopped => {}
                }
            });
        };
        let thread = thread::Builder::new().name("test-collector".to_owned()).spawn(serve)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(socket: TcpListener, handler: Handler) {
    let Ok(socket) = tokio::net::TcpListener::from_std(socket) else { return };
    while let Ok((stream, _)) = socket.accept().await {
        tokio::spawn(serve(stream, handler.clone()));
    }
}

async fn serve(stream: TcpStream, handler: Handler) {
    let respond = move |request| {
        let handler = handler.clone();
        async move { handler.respond(request).await }
    };
    // An error is an answer that closes the connection, or an exporter that has closed it.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(respond)).await;
}

/// Stores what requests contain.
#[derive(Clone)]
struct Handler {
    script: Arc<Script>,
    store: Arc<Store>,
    points: Arc<Points>,
}

impl Handler {
    async fn respond(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(io::Error::other)?;
        let is_json =
            head.headers.get(header::CONTENT_TYPE).is_some_and(|it| it == "application/json");
        let batch = decompressed(&head.headers, body.to_bytes()).and_then(|body| {
            let batch = Batch::parse(head.uri.path(), &body, is_json)?;
            Ok((batch, body))
        });
        let (mut batch, body) = match batch {
            Ok(batch) => batch,
            Err(reason) => return Ok(refusal(&reason)),
        };
        let (answer, items) = (self.script.take(), batch.items());
        let response = match answer {
            Answer::Accept => Some(answered(StatusCode::OK, batch.accepted(is_json), is_json)),
            Answer::AcceptPart { items } => {
                let body = batch.accept_part(items, is_json);
                Some(answered(StatusCode::OK, body, is_json))
            }
            Answer::Refuse => Some(answered(StatusCode::BAD_REQUEST, Vec::new(), is_json)),
            Answer::Unavailable => {
                Some(answered(StatusCode::SERVICE_UNAVAILABLE, Vec::new(), is_json))
            }
            Answer::Throttle(pause) => Some(throttled(pause, is_json)),
            Answer::Hang | Answer::Disconnect => None,
        };
        let is_stored = matches!(answer, Answer::Accept | Answer::AcceptPart { .. });
        let hangs = answer == Answer::Hang;
        let request = ReceivedRequest { path: head.uri.path().to_owned(), items, body, answer };
        if is_stored {
            batch.merge_metrics(&self.points);
        }
        self.store.change(|state| {
            state.requests.push(request);
            if is_stored {
                batch.store(state);
            }
        });
        match response {
            Some(response) => Ok(response),
            None if hangs => std::future::pending().await,
            None => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }
}

fn decompressed(headers: &HeaderMap, body: Bytes) -> Result<Bytes, String> {
    match headers.get(header::CONTENT_ENCODING).map(|encoding| encoding.as_bytes()) {
        None | Some(b"identity") => Ok(body),
        Some(b"gzip") => {
            let mut plain = Vec::new();
            let mut limited = GzDecoder::new(&*body).take(MAX_BODY as u64);
            limited.read_to_end(&mut plain).map_err(|error| format!("invalid gzip: {error}"))?;
            Ok(plain.into())
        }
        Some(other) => Err(format!(
            "the content encoding {:?} is not supported",
            String::from_utf8_lossy(other)
        )),
    }
}

/// Answers a request that is no OTLP, whatever the script.
fn refusal(reason: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reason.to_owned())));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

fn answered(status: StatusCode, body: Vec<u8>, is_json: bool) -> Response<Full<Bytes>> {
    let content_type = if is_json { "application/json" } else { "application/x-protobuf" };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

fn throttled(pause: Duration, is_json: bool) -> Response<Full<Bytes>> {
    let mut response = answered(StatusCode::TOO_MANY_REQUESTS, Vec::new(), is_json);
    response.headers_mut().insert(header::RETRY_AFTER, pause.as_secs().into());
    response
}
