use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::Server;

/// A client with an open WebSocket.
#[derive(Debug)]
pub struct WebSocket {
    stream: WebSocketStream<TcpStream>,
}

impl WebSocket {
    /// Opens `path` on `server`.
    ///
    /// # Panics
    ///
    /// If the server refuses.
    pub async fn open(server: &Server, path: &str) -> Self {
        Self::open_below(server, path, None).await
    }

    /// Opens `path` on `server` in the trace of a caller.
    ///
    /// # Panics
    ///
    /// If the server refuses.
    pub async fn open_below(
        server: &Server,
        path: &str,
        traceparent: impl Into<Option<&'static str>>,
    ) -> Self {
        let url = format!("ws://{}{path}", server.address());
        let mut request = url.into_client_request().expect("a URL");
        if let Some(traceparent) = traceparent.into() {
            request.headers_mut().insert("traceparent", HeaderValue::from_static(traceparent));
        }
        let stream = TcpStream::connect(server.address()).await.expect("the server listens");
        let (stream, _) = client_async(request, stream).await.expect("the server upgrades");
        Self { stream }
    }

    /// Sends `text` and returns the response, or `None` if the server has closed the connection.
    pub async fn ask(&mut self, text: &'static str) -> Option<String> {
        self.stream.send(Message::text(text)).await.ok()?;
        let answer = self.stream.next().await?.ok()?;
        answer.is_text().then(|| answer.to_text().expect("UTF-8").to_owned())
    }

    /// Closes the connection by RFC 6455, section 7.1.2, and waits for the close frame of the
    /// server.
    ///
    /// # Errors
    ///
    /// Errors of the connection.
    pub async fn close(mut self) -> Result<(), Error> {
        self.stream.close(None).await?;
        while let Some(message) = self.stream.next().await {
            if message?.is_close() {
                break;
            }
        }
        Ok(())
    }

    /// Resets the connection.
    ///
    /// # Errors
    ///
    /// Errors of the connection.
    pub fn reset(self) -> std::io::Result<()> {
        self.stream.get_ref().set_zero_linger()
    }
}
