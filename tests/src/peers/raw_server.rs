use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};

/// Action of a [`RawServer`] after its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterResponse {
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Reset,
    /// Leaves the connection open.
    Wait,
}

/// A server that writes bytes, so that it can send invalid responses. It serves one request per
/// connection, one after the other.
#[derive(Debug)]
pub struct RawServer {
    address: SocketAddr,
    requests: mpsc::UnboundedReceiver<String>,
    task: JoinHandle<()>,
}

impl RawServer {
    /// Sends `answers`, byte for byte, in this order.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn serve<A: AsRef<str>>(
        answers: impl IntoIterator<Item = (A, AfterResponse)>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let answers: Vec<_> =
            answers.into_iter().map(|(answer, then)| (answer.as_ref().to_owned(), then)).collect();
        let (sender, requests) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            for (answer, then) in answers {
                let (mut stream, _) = listener.accept().await.expect("the listener works");
                let _ = sender.send(read_request(&mut stream).await);
                stream.write_all(answer.as_bytes()).await.expect("the client reads");
                match then {
                    AfterResponse::Close => {}
                    AfterResponse::Reset => stream.set_zero_linger().expect("the socket is open"),
                    AfterResponse::Wait => open.push(stream),
                }
            }
            std::future::pending::<()>().await;
        });
        Self { address, requests, task }
    }

    /// Returns the address of the server.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns an absolute URL on the server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the next received request, head and body.
    ///
    /// # Panics
    ///
    /// If the server has failed.
    pub async fn request(&mut self) -> String {
        self.requests.recv().await.expect("a request")
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read);
        if is_complete(&text) {
            return text.into_owned();
        }
        let count = stream.read_buf(&mut read).await.expect("the client writes");
        assert_ne!(count, 0, "the client has sent its request");
    }
}

/// Whether a request is complete, by its length, its last chunk, or only its head.
fn is_complete(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let value = |name| head.lines().find_map(|line| line.strip_prefix(name));
    match value("content-length: ") {
        Some(length) => length.parse() == Ok(body.len()),
        None => value("transfer-encoding: ").is_none() || body.ends_with("0\r\n\r\n"),
    }
}
