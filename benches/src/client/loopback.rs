use std::{io, net::SocketAddr};

use reqwest::{Request, Response, Url};
use reqwest_middleware::ClientBuilder;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tracing_core_ext::client::Client;

use super::{exchange, runtime, subscriber};
use crate::{Driver, Site, rig::Rig};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n7";

pub(crate) fn bare(_: &Rig) -> Site {
    Site::new(|| {
        let client = reqwest::Client::new();
        driver(async move |request| client.execute(request).await.expect("an answer"))
    })
}

pub(crate) fn ours(rig: &Rig) -> Site {
    let client = rig.equip(Client::builder()).build();
    Site::new(move || {
        let client = client.clone();
        driver(async move |request| client.execute(request).await.expect("an answer"))
    })
}

pub(crate) fn reqwest_tracing(rig: &Rig) -> Site {
    let site = Site::new(|| {
        let client = ClientBuilder::new(reqwest::Client::new())
            .with(reqwest_tracing::TracingMiddleware::default())
            .build();
        driver(async move |request| client.execute(request).await.expect("an answer"))
    });
    site.with_subscriber(subscriber(rig))
}

fn driver(send: impl AsyncFn(Request) -> Response + 'static) -> Driver {
    let runtime = runtime();
    let address = listen(&runtime).expect("a port on loopback");
    let url = Url::parse(&format!("http://{address}/items/7")).expect("a URL");
    Driver::new(move |requests| runtime.block_on(exchange(&url, requests, &send)))
}

fn listen(runtime: &Runtime) -> io::Result<SocketAddr> {
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
    let address = listener.local_addr()?;
    runtime.spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection));
        }
    });
    Ok(address)
}

/// Answers one request per read. Requests without a body whose client waits for each response
/// arrive in one segment.
async fn answer(mut connection: TcpStream) -> io::Result<()> {
    let mut request = [0; 2048];
    while connection.read(&mut request).await? > 0 {
        connection.write_all(ANSWER).await?;
    }
    Ok(())
}
