//! Callers that send what nobody should.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// Time limit of a response.
const PATIENCE: Duration = Duration::from_secs(30);

/// Time between two parts of a slow request.
const SLOW: Duration = Duration::from_millis(15);

/// Number of different attacks.
const KINDS: u64 = 10;

/// Makes one attack. Fails if a request whose HTTP is valid gets no response with the status 200.
///
/// # Errors
///
/// The beginning of the response.
pub(crate) async fn attack(port: u16, turn: u64) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let mut peer = TcpStream::connect(("127.0.0.1", port)).await.map_err(text)?;
    match turn % KINDS {
        0 => ok(&mut peer, &bad_headers(turn)).await,
        1 => ok(&mut peer, &huge_headers(turn)).await,
        2 => {
            let request = request("/items/7", &[]);
            for part in request.as_bytes().chunks(12) {
                peer.write_all(part).await.map_err(text)?;
                sleep(SLOW).await;
            }
            ok(&mut peer, "").await
        }
        kind => {
            // The service may close the connection first, so these have no expectation.
            let _ = abort(&mut peer, kind).await;
            Ok(())
        }
    }
}

async fn abort(peer: &mut TcpStream, kind: u64) -> std::io::Result<()> {
    let post = "POST /echo HTTP/1.1\r\nhost: soak\r\n";
    match kind {
        3 => {
            let head = format!("{post}content-length: 100000\r\n\r\n");
            peer.write_all(head.as_bytes()).await?;
            peer.write_all(&[b'x'; 10_000]).await?;
        }
        4 => {
            let body = format!("{post}transfer-encoding: chunked\r\n\r\n5\r\nabcde\r\nZZ\r\n");
            peer.write_all(body.as_bytes()).await?;
            answer(peer).await?;
        }
        5 => {
            peer.write_all(request("/waiting", &[]).as_bytes()).await?;
            sleep(SLOW).await;
            peer.set_zero_linger()?;
        }
        6 => {
            peer.write_all(request("/endless", &[]).as_bytes()).await?;
            let mut read = [0; 4096];
            peer.read_exact(&mut read).await?;
            peer.set_zero_linger()?;
        }
        7 => {
            peer.write_all(b"\x16\x03\x01\0\xff\0\0\r\n\r\n").await?;
            answer(peer).await?;
        }
        8 => peer.write_all(b"GET /items/7 HTTP/1.1\r\nhost: so").await?,
        _ => {
            let body = format!("{post}transfer-encoding: chunked\r\n\r\n5\r\nabc");
            peer.write_all(body.as_bytes()).await?;
            peer.set_zero_linger()?;
        }
    }
    Ok(())
}

/// Sends a request, and reads the response to its end.
async fn ok(peer: &mut TcpStream, request: &str) -> Result<(), String> {
    peer.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let answer = answer(peer).await.map_err(|error| error.to_string())?;
    let is_complete = answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("item 7");
    if is_complete { Ok(()) } else { Err(format!("{answer:?}")) }
}

async fn answer(peer: &mut TcpStream) -> std::io::Result<String> {
    let mut answer = Vec::new();
    timeout(PATIENCE, peer.read_to_end(&mut answer)).await??;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn request(path: &str, fields: &[(&str, String)]) -> String {
    let mut request = format!("GET {path} HTTP/1.1\r\nhost: soak\r\nconnection: close\r\n");
    for (name, value) in fields {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request + "\r\n"
}

/// Fields that are no trace context, each in another way.
fn bad_headers(turn: u64) -> String {
    let parents = [
        "00-00000000000000000000000000000000-0000000000000000-00",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "\u{1f980}",
        "",
    ];
    let parent = parents[(turn / KINDS) as usize % parents.len()];
    request(
        "/items/7",
        &[
            ("traceparent", parent.to_owned()),
            ("traceparent", parents[1].to_owned()),
            ("tracestate", "=,a=b=c,\u{e9}=1,A=1".to_owned()),
            ("baggage", ";;=;%zz=%,k=%FF%00%0a;;p==\"".to_owned()),
            ("b3", "d-d-d-d".to_owned()),
            ("uber-trace-id", "0:0:0:ffff".to_owned()),
            ("forwarded", "for=\"[::1, for=\\\"".to_owned()),
            ("x-forwarded-for", ",,,;127.0.0.1:99999,".to_owned()),
            ("user-agent", "\u{1b}[31mred\u{7}".replace(['\u{1b}', '\u{7}'], "\u{80}")),
        ],
    )
}

/// Fields of the largest size that servers accept, with other values each time.
fn huge_headers(turn: u64) -> String {
    let parent = format!("00-{:032x}-{:016x}-01", u128::from(turn) + 1, turn + 1);
    let members: Vec<String> =
        (0..180).map(|at| format!("k{turn}x{at}={}", "%20".repeat(12))).collect();
    let state: Vec<String> =
        (0..32).map(|at| format!("k{turn}x{at}={}", "v".repeat(200))).collect();
    let hops: Vec<String> = (0..100).map(|at| format!("for=10.0.{}.{at}", turn % 256)).collect();
    request(
        "/items/7",
        &[
            ("traceparent", parent),
            ("tracestate", state.join(",")),
            ("baggage", members.join(",")),
            ("forwarded", hops.join(",")),
            ("user-agent", format!("{turn}{}", "x".repeat(6000))),
            ("x-request-id", "y".repeat(6000)),
        ],
    )
}
