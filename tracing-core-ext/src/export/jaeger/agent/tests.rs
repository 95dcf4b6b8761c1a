use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::export::jaeger::tests::mapping::bare;

fn span(length: usize) -> SpanData {
    SpanData { attributes: vec![KeyValue::new("note", "x".repeat(length))], ..bare() }
}

proptest! {
    #[test]
    fn packets_hold_every_span_in_order_and_none_is_too_large(
        lengths in vec(prop_oneof![0..200_usize, 0..20_000_usize, 64_700..65_100_usize], 1..60),
    ) {
        let batch: Vec<SpanData> = lengths.into_iter().map(span).collect();
        let encoder = Encoder::new(&Resource::builder_empty().build()).unwrap();
        let encoded = encoder.encode(&batch).unwrap();
        let parts = BatchParts::parse(&encoded).unwrap();
        let (room, mut losses) = (parts.room(PACKET_SIZE).unwrap(), BatchLoss::default());
        let pieces = pieces(&batch, &parts, room, &encoder, &mut losses).unwrap();
        prop_assert_eq!(pieces.len(), batch.len());
        let mut sent = Vec::new();
        for run in packets(&pieces, room) {
            let spans: Vec<&[u8]> = run.iter().map(|piece| &*piece.span).collect();
            prop_assert!(compact::packet(parts.process, &spans).unwrap().len() <= PACKET_SIZE);
            sent.extend(spans);
        }
        let pieces: Vec<&[u8]> = pieces.iter().map(|piece| &*piece.span).collect();
        prop_assert_eq!(sent, pieces);
    }
}
