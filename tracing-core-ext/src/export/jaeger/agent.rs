use std::{
    borrow::Cow,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicU64, Ordering},
};

use opentelemetry_sdk::trace::SpanData;

use super::{
    compact::{self, Parts},
    encoder::Encoder,
    losses::Losses,
    oversize,
    rate_limiter::Pace,
};

/// What an agent reads of a packet: "--processor.jaeger-compact.server-max-packet-size".
const PACKET_SIZE: usize = 65_000;

/// Sends spans to an agent, in as many packets as they need.
#[derive(Debug)]
pub(super) struct Agent {
    socket: UdpSocket,
    /// The spans of the last packet, which may turn out to have reached nobody.
    unconfirmed: AtomicU64,
    pace: Pace,
}

/// Whose spans these are.
type Add = fn(&mut Losses, u64, String);

/// A span in the binary protocol, and its bytes in the compact one.
struct Piece<'a> {
    span: Cow<'a, [u8]>,
    size: usize,
}

impl Agent {
    /// Connected, for only then the system tells that nobody listens.
    pub(super) fn new(address: SocketAddr) -> io::Result<Self> {
        let own: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(own)?;
        socket.connect(address)?;
        Ok(Self { socket, unconfirmed: AtomicU64::new(0), pace: Pace::new() })
    }

    /// Says what was lost, or fails where all of them were.
    pub(super) fn send(&self, batch: &[SpanData], encoder: &Encoder) -> Result<Losses, String> {
        let said =
            |error: thrift::Error| format!("the spans could not be written in Thrift: {error}");
        let mut losses = Losses::default();
        let encoded = encoder.encode(batch)?;
        let parts = Parts::of(&encoded).map_err(said)?;
        let room = parts.room(PACKET_SIZE).map_err(said)?;
        if room == 0 {
            let fits_not = "attributes of the resource are too large for a UDP packet of";
            return Err(format!("the {fits_not} {PACKET_SIZE} bytes"));
        }
        let pieces = pieces(batch, &parts, room, encoder, &mut losses);
        let mut add_earlier: Add = Losses::add_earlier;
        for run in runs(&pieces.map_err(said)?, room) {
            let spans: Vec<&[u8]> = run.iter().map(|piece| &*piece.span).collect();
            let packet = compact::packet(parts.process, &spans).map_err(said)?;
            self.pace.wait(packet.len());
            self.confirm(add_earlier, &mut losses);
            self.send_packet(&packet, spans.len() as u64, &mut losses);
            add_earlier = Losses::add;
        }
        Ok(losses)
    }

    /// What has turned out to be lost since.
    pub(super) fn close(&self) -> Losses {
        let mut losses = Losses::default();
        self.confirm(Losses::add_earlier, &mut losses);
        losses
    }

    fn send_packet(&self, packet: &[u8], spans: u64, losses: &mut Losses) {
        match self.socket.send(packet) {
            Ok(_) => self.unconfirmed.store(spans, Ordering::Release),
            Err(error) => losses.add(spans, error.to_string()),
        }
        self.confirm(Losses::add, losses);
    }

    /// The system tells late, on a loopback at once, that a packet was refused.
    fn confirm(&self, add: Add, losses: &mut Losses) {
        if let Ok(Some(error)) = self.socket.take_error() {
            add(losses, self.unconfirmed.swap(0, Ordering::AcqRel), error.to_string());
        }
    }
}

/// The spans, those too large made smaller or left out.
fn pieces<'a>(
    batch: &[SpanData],
    parts: &Parts<'a>,
    room: usize,
    encoder: &Encoder,
    losses: &mut Losses,
) -> thrift::Result<Vec<Piece<'a>>> {
    let mut pieces = Vec::with_capacity(parts.spans.len());
    for (span, &encoded) in batch.iter().zip(&parts.spans) {
        let size = compact::size(encoded)?;
        let piece = match size <= room {
            true => Some(Piece { span: Cow::Borrowed(encoded), size }),
            false => shrunk(span, encoder, room)?,
        };
        match piece {
            Some(piece) => pieces.push(piece),
            None => losses.add(1, too_large(size)),
        }
    }
    Ok(pieces)
}

fn shrunk(
    span: &SpanData,
    encoder: &Encoder,
    room: usize,
) -> thrift::Result<Option<Piece<'static>>> {
    for smaller in oversize::smaller(span) {
        let encoded = encoder.encode(&[smaller])?;
        for span in Parts::of(&encoded)?.spans {
            let size = compact::size(span)?;
            if size <= room {
                return Ok(Some(Piece { span: Cow::Owned(span.to_owned()), size }));
            }
        }
    }
    Ok(None)
}

/// As many spans in a row as there is room for.
fn runs<'a, 'b>(pieces: &'b [Piece<'a>], room: usize) -> Vec<&'b [Piece<'a>]> {
    let (mut runs, mut start, mut used) = (Vec::new(), 0, 0);
    for (at, piece) in pieces.iter().enumerate() {
        if used + piece.size > room {
            runs.push(&pieces[start..at]);
            (start, used) = (at, 0);
        }
        used += piece.size;
    }
    if start < pieces.len() {
        runs.push(&pieces[start..]);
    }
    runs
}

fn too_large(size: usize) -> String {
    format!("a span of {size} bytes is too large for a UDP packet of {PACKET_SIZE} bytes")
}

#[cfg(test)]
mod tests;
