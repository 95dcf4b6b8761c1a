//! Export to an agent over UDP.

mod compact;
mod oversize;
mod rate_limiter;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicU64, Ordering},
};

use opentelemetry_sdk::trace::SpanData;

use self::{compact::BatchParts, rate_limiter::RateLimiter};
use super::{encoder::Encoder, losses::BatchLoss};

/// Largest packet that an agent reads by default:
/// "--processor.jaeger-compact.server-max-packet-size".
const PACKET_SIZE: usize = 65_000;

/// Sends spans to an agent, in as many packets as required.
#[derive(Debug)]
pub(super) struct Agent {
    socket: UdpSocket,
    /// Number of spans in the last packet, until the next check for a socket error.
    unconfirmed: AtomicU64,
    rate_limiter: RateLimiter,
}

/// Counts lost spans, of this batch or of an earlier one.
type Add = fn(&mut BatchLoss, u64, String);

/// A span in the binary protocol, with its size in the compact protocol.
struct EncodedSpan<'a> {
    span: Cow<'a, [u8]>,
    size: usize,
}

impl Agent {
    /// Connects the socket, because the system reports refused packets only on a connected socket.
    pub(super) fn new(address: SocketAddr) -> io::Result<Self> {
        let own: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(own)?;
        socket.connect(address)?;
        Ok(Self { socket, unconfirmed: AtomicU64::new(0), rate_limiter: RateLimiter::new() })
    }

    /// Returns the lost spans of the batch, or an error if the batch cannot be encoded.
    pub(super) fn send(&self, batch: &[SpanData], encoder: &Encoder) -> Result<BatchLoss, String> {
        let thrift_error =
            |error: thrift::Error| format!("the spans could not be written in Thrift: {error}");
        let mut losses = BatchLoss::default();
        let encoded = encoder.encode(batch)?;
        let parts = BatchParts::parse(&encoded).map_err(thrift_error)?;
        let room = parts.room(PACKET_SIZE).map_err(thrift_error)?;
        if room == 0 {
            let fits_not = "attributes of the resource are too large for a UDP packet of";
            return Err(format!("the {fits_not} {PACKET_SIZE} bytes"));
        }
        let pieces = pieces(batch, &parts, room, encoder, &mut losses);
        let mut add_earlier: Add = BatchLoss::add_earlier;
        for run in packets(&pieces.map_err(thrift_error)?, room) {
            let spans: Vec<&[u8]> = run.iter().map(|piece| &*piece.span).collect();
            let packet = compact::packet(parts.process, &spans).map_err(thrift_error)?;
            self.rate_limiter.wait(packet.len());
            self.check_socket_error(add_earlier, &mut losses);
            self.send_packet(&packet, spans.len() as u64, &mut losses);
            add_earlier = BatchLoss::add;
        }
        Ok(losses)
    }

    /// Returns the losses since the last batch.
    pub(super) fn close(&self) -> BatchLoss {
        let mut losses = BatchLoss::default();
        self.check_socket_error(BatchLoss::add_earlier, &mut losses);
        losses
    }

    fn send_packet(&self, packet: &[u8], spans: u64, losses: &mut BatchLoss) {
        match self.socket.send(packet) {
            Ok(_) => self.unconfirmed.store(spans, Ordering::Release),
            Err(error) => losses.add(spans, error.to_string()),
        }
        self.check_socket_error(BatchLoss::add, losses);
    }

    /// Counts the spans of a refused packet. The system reports it later, and on a loopback
    /// interface at once.
    fn check_socket_error(&self, add: Add, losses: &mut BatchLoss) {
        if let Ok(Some(error)) = self.socket.take_error() {
            add(losses, self.unconfirmed.swap(0, Ordering::AcqRel), error.to_string());
        }
    }
}

/// Returns the encoded spans. Spans that are too large are truncated, or counted as lost.
fn pieces<'a>(
    batch: &[SpanData],
    parts: &BatchParts<'a>,
    room: usize,
    encoder: &Encoder,
    losses: &mut BatchLoss,
) -> thrift::Result<Vec<EncodedSpan<'a>>> {
    let mut pieces = Vec::with_capacity(parts.spans.len());
    for (span, &encoded) in batch.iter().zip(&parts.spans) {
        let size = compact::size(encoded)?;
        let piece = match size <= room {
            true => Some(EncodedSpan { span: Cow::Borrowed(encoded), size }),
            false => truncated_span(span, encoder, room)?,
        };
        match piece {
            Some(piece) => pieces.push(piece),
            None => losses.add(1, too_large(size)),
        }
    }
    Ok(pieces)
}

fn truncated_span(
    span: &SpanData,
    encoder: &Encoder,
    room: usize,
) -> thrift::Result<Option<EncodedSpan<'static>>> {
    for truncated in oversize::truncations(span) {
        let encoded = encoder.encode(&[truncated])?;
        for span in BatchParts::parse(&encoded)?.spans {
            let size = compact::size(span)?;
            if size <= room {
                return Ok(Some(EncodedSpan { span: Cow::Owned(span.to_owned()), size }));
            }
        }
    }
    Ok(None)
}

/// Groups consecutive spans into packets.
fn packets<'a, 'b>(pieces: &'b [EncodedSpan<'a>], room: usize) -> Vec<&'b [EncodedSpan<'a>]> {
    let (mut packets, mut start, mut used) = (Vec::new(), 0, 0);
    for (at, piece) in pieces.iter().enumerate() {
        if used + piece.size > room {
            packets.push(&pieces[start..at]);
            (start, used) = (at, 0);
        }
        used += piece.size;
    }
    if start < pieces.len() {
        packets.push(&pieces[start..]);
    }
    packets
}

fn too_large(size: usize) -> String {
    format!("a span of {size} bytes is too large for a UDP packet of {PACKET_SIZE} bytes")
}
