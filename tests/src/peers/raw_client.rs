use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Server;

/// A client that writes bytes. It can send invalid requests, and can disconnect at any time.
#[derive(Debug)]
pub struct RawClient {
    stream: TcpStream,
}

impl RawClient {
    /// Connects to `server`.
    ///
    /// # Errors
    ///
    /// Errors of the connection.
    pub async fn connect(server: &Server) -> io::Result<Self> {
        Ok(Self { stream: TcpStream::connect(server.address()).await? })
    }

    /// Sends a `GET` request whose header lines are `headers`, byte for byte.
    ///
    /// # Errors
    ///
    /// Errors of the connection.
    pub async fn get(&mut self, path: &str, headers: &[&[u8]]) -> io::Result<()> {
        let mut request =
            format!("GET {path} HTTP/1.1\r\nhost: shop.example:8080\r\n").into_bytes();
        for line in headers {
            request.extend_from_slice(line);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        self.stream.write_all(&request).await
    }

    /// Resets the connection, so that every server notices at once. A server may still read from a
    /// connection that is only closed.
    ///
    /// # Errors
    ///
    /// Errors of the connection.
    pub fn reset(self) -> io::Result<()> {
        self.stream.set_zero_linger()
    }

    /// Reads until `text` was received.
    ///
    /// # Errors
    ///
    /// Errors of the connection, and `UnexpectedEof` if it closes before.
    pub async fn read_until(&mut self, text: &str) -> io::Result<String> {
        let mut read = Vec::new();
        while !contains(&read, text.as_bytes()) {
            if self.stream.read_buf(&mut read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(String::from_utf8_lossy(&read).into_owned())
    }

    /// Reads until the heads of `count` responses were received.
    ///
    /// # Errors
    ///
    /// Errors of the connection, and `UnexpectedEof` if it closes before.
    pub async fn read_heads(&mut self, count: usize) -> io::Result<()> {
        let mut read = Vec::new();
        let heads = |read: &[u8]| read.windows(9).filter(|window| window == b"HTTP/1.1 ").count();
        while heads(&read) < count {
            if self.stream.read_buf(&mut read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Reads until the server closes the connection.
    ///
    /// # Errors
    ///
    /// Errors of the connection.
    pub async fn read_to_end(&mut self) -> io::Result<String> {
        let mut read = Vec::new();
        self.stream.read_to_end(&mut read).await?;
        Ok(String::from_utf8_lossy(&read).into_owned())
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
