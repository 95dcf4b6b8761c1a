use bytes::Bytes;
use reqwest::Client;

use super::RawClient;
use crate::{HandlerControl, ScriptStep, Server};

/// Way in which an exchange ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A response with a declared length.
    Complete,
    /// Status 204.
    Empty,
    /// Response to `HEAD`.
    Head,
    /// Status 304.
    NotModified,
    /// Status 404.
    NotFound,
    /// Status 503.
    ServerError,
    /// A middleware drops the handler and responds.
    Timeout,
    /// The caller resets its connection after the response.
    ConnectionResetAfterwards,
    /// A streamed body of two chunks.
    Chunked,
    /// A stream of two events.
    EventStream,
    /// The handler panics.
    Panic,
    /// The body fails after a chunk.
    BodyError,
    /// The body panics after a chunk.
    BodyPanic,
    /// The caller disconnects while the handler runs.
    GoneBeforeHead,
    /// The caller disconnects after a chunk of the body.
    GoneMidBody,
}

impl Ending {
    /// Makes an exchange with `server` that ends in this way.
    ///
    /// # Panics
    ///
    /// If the server responds in another way.
    pub async fn play(self, server: &Server, control: &HandlerControl) {
        use ScriptStep::{Error, Panic};

        let get = async |path: &str| reqwest::get(server.url(path)).await?.bytes().await;
        match self {
            Self::Complete => succeed(get("/items/7").await),
            Self::Empty => succeed(get("/empty").await),
            Self::NotModified => succeed(get("/status/304").await),
            Self::NotFound => succeed(get("/status/404").await),
            Self::ServerError => succeed(get("/status/503").await),
            Self::Timeout => succeed(get("/late").await),
            Self::Panic => assert!(get("/panic").await.is_err()),
            Self::Head => {
                let sent = Client::new().head(server.url("/items/7")).send().await;
                succeed(sent.expect("a response").bytes().await);
            }
            Self::Chunked => stream(server, control, "/stream", &["one", "two"], None).await,
            Self::EventStream => {
                stream(server, control, "/events", &["data: 1\n\n", "data: 2\n\n"], None).await;
            }
            Self::BodyError => stream(server, control, "/stream", &["one"], Some(Error)).await,
            Self::BodyPanic => stream(server, control, "/stream", &["one"], Some(Panic)).await,
            Self::ConnectionResetAfterwards => {
                let mut peer = ask(server, "/items/7").await;
                peer.read_until("item 7").await.expect("a response");
                peer.reset().expect("a connection");
            }
            Self::GoneBeforeHead => {
                let peer = ask(server, "/pending").await;
                control.entered().await;
                peer.reset().expect("a connection");
            }
            Self::GoneMidBody => {
                let script = control.script();
                let mut peer = ask(server, "/stream").await;
                assert!(script.send(ScriptStep::Data("one")).is_ok(), "the body is open");
                peer.read_until("one").await.expect("a chunk");
                drop(peer);
                // A server may detect that its caller has disconnected only when it writes.
                while script.send(ScriptStep::Data("more")).is_ok() {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

fn succeed(response: reqwest::Result<Bytes>) {
    drop(response.expect("a response"));
}

async fn ask(server: &Server, path: &str) -> RawClient {
    let mut peer = RawClient::connect(server).await.expect("a connection");
    peer.get(path, &[]).await.expect("a connection");
    peer
}

/// Reads every chunk before the next one is sent.
async fn stream(
    server: &Server,
    control: &HandlerControl,
    path: &str,
    chunks: &[&'static str],
    end: Option<ScriptStep>,
) {
    let script = control.script();
    let send = |step| assert!(script.send(step).is_ok(), "the body is open");
    let sending = reqwest::get(server.url(path));
    send(ScriptStep::Data(chunks[0]));
    let mut response = sending.await.expect("a response");
    assert_eq!(response.chunk().await.expect("a chunk").expect("a chunk"), chunks[0]);
    for chunk in &chunks[1..] {
        send(ScriptStep::Data(chunk));
        assert_eq!(response.chunk().await.expect("a chunk").expect("a chunk"), *chunk);
    }
    let breaks_off = end.is_some();
    end.into_iter().for_each(send);
    drop(script);
    assert_eq!(response.chunk().await.is_err(), breaks_off);
}
