use std::io::Cursor;

use thrift::{
    ProtocolError, ProtocolErrorKind, Result,
    protocol::{
        TBinaryInputProtocol, TCompactOutputProtocol, TFieldIdentifier, TInputProtocol,
        TListIdentifier, TMessageIdentifier, TMessageType, TOutputProtocol, TStructIdentifier,
        TType,
    },
};

/// Largest number of bytes by which the header of a list in the compact protocol exceeds that of an
/// empty list.
const LIST_HEADER: usize = 5;

/// Parts of a batch in the binary protocol.
#[derive(Debug)]
pub(super) struct BatchParts<'a> {
    pub(super) process: &'a [u8],
    pub(super) spans: Vec<&'a [u8]>,
}

impl<'a> BatchParts<'a> {
    /// Parses `struct Batch { 1: required Process process, 2: required list<Span> spans }` of
    /// jaeger-idl, `jaeger.thrift`.
    pub(super) fn parse(batch: &'a [u8]) -> Result<Self> {
        let mut input = TBinaryInputProtocol::new(Cursor::new(batch), true);
        let mut parts = Self { process: &[], spans: Vec::new() };
        input.read_struct_begin()?;
        loop {
            let field = input.read_field_begin()?;
            match (field.field_type, field.id) {
                (TType::Stop, _) => return Ok(parts),
                (TType::Struct, Some(1)) => parts.process = structure(&mut input, batch)?,
                (TType::List, Some(2)) => {
                    let spans = 0..input.read_list_begin()?.size;
                    parts.spans =
                        spans.map(|_| structure(&mut input, batch)).collect::<Result<_>>()?;
                }
                (other, _) => input.skip(other)?,
            }
        }
    }

    /// Returns the number of bytes for spans in a packet of this size.
    pub(super) fn room(&self, packet_size: usize) -> Result<usize> {
        let used = packet(self.process, &[])?.len() + LIST_HEADER;
        Ok(packet_size.saturating_sub(used))
    }
}

fn structure<'a>(
    input: &mut TBinaryInputProtocol<Cursor<&'a [u8]>>,
    batch: &'a [u8],
) -> Result<&'a [u8]> {
    let start = position(input);
    input.skip(TType::Struct)?;
    Ok(&batch[start..position(input)])
}

fn position(input: &TBinaryInputProtocol<Cursor<&[u8]>>) -> usize {
    usize::try_from(input.transport.position()).unwrap_or(usize::MAX)
}

/// Returns the size of a structure in the compact protocol.
pub(super) fn size(structure: &[u8]) -> Result<usize> {
    let mut written = Vec::with_capacity(structure.len());
    copy(structure, &mut TCompactOutputProtocol::new(&mut written))?;
    Ok(written.len())
}

/// Encodes the message to an agent: `oneway void emitBatch(1: jaeger.Batch batch)` of jaeger-idl,
/// `agent.thrift`.
pub(super) fn packet(process: &[u8], spans: &[&[u8]]) -> Result<Vec<u8>> {
    let mut packet = Vec::new();
    let output = &mut TCompactOutputProtocol::new(&mut packet);
    output.write_message_begin(&TMessageIdentifier::new("emitBatch", TMessageType::OneWay, 0))?;
    output.write_struct_begin(&TStructIdentifier::new("emitBatch_args"))?;
    output.write_field_begin(&TFieldIdentifier::new("batch", TType::Struct, 1))?;
    write_batch(process, spans, output)?;
    output.write_field_end()?;
    output.write_field_stop()?;
    output.write_struct_end()?;
    output.write_message_end()?;
    Ok(packet)
}

fn write_batch(process: &[u8], spans: &[&[u8]], output: &mut dyn TOutputProtocol) -> Result<()> {
    output.write_struct_begin(&TStructIdentifier::new("Batch"))?;
    output.write_field_begin(&TFieldIdentifier::new("process", TType::Struct, 1))?;
    copy(process, output)?;
    output.write_field_end()?;
    output.write_field_begin(&TFieldIdentifier::new("spans", TType::List, 2))?;
    output.write_list_begin(&TListIdentifier::new(TType::Struct, length(spans)?))?;
    spans.iter().try_for_each(|span| copy(span, output))?;
    output.write_list_end()?;
    output.write_field_end()?;
    output.write_field_stop()?;
    output.write_struct_end()
}

fn length(spans: &[&[u8]]) -> Result<i32> {
    i32::try_from(spans.len()).map_err(|_| unexpected("more spans than a list holds".to_owned()))
}

fn copy(structure: &[u8], output: &mut dyn TOutputProtocol) -> Result<()> {
    let mut input = TBinaryInputProtocol::new(Cursor::new(structure), true);
    copy_struct(&mut input, output)
}

fn copy_struct(input: &mut dyn TInputProtocol, output: &mut dyn TOutputProtocol) -> Result<()> {
    input.read_struct_begin()?;
    output.write_struct_begin(&TStructIdentifier::new(""))?;
    loop {
        let field = input.read_field_begin()?;
        if field.field_type == TType::Stop {
            break;
        }
        output.write_field_begin(&field)?;
        copy_value(field.field_type, input, output)?;
        input.read_field_end()?;
        output.write_field_end()?;
    }
    input.read_struct_end()?;
    output.write_field_stop()?;
    output.write_struct_end()
}

/// Copies a value of any type that a batch contains.
fn copy_value(
    value: TType,
    input: &mut dyn TInputProtocol,
    output: &mut dyn TOutputProtocol,
) -> Result<()> {
    match value {
        TType::Bool => output.write_bool(input.read_bool()?),
        TType::I32 => output.write_i32(input.read_i32()?),
        TType::I64 => output.write_i64(input.read_i64()?),
        TType::Double => output.write_double(input.read_double()?),
        TType::String => output.write_bytes(&input.read_bytes()?),
        TType::Struct => copy_struct(input, output),
        TType::List => copy_list(input, output),
        other => Err(unexpected(format!("a value of type {other}"))),
    }
}

fn copy_list(input: &mut dyn TInputProtocol, output: &mut dyn TOutputProtocol) -> Result<()> {
    let list = input.read_list_begin()?;
    output.write_list_begin(&list)?;
    for _ in 0..list.size {
        copy_value(list.element_type, input, output)?;
    }
    input.read_list_end()?;
    output.write_list_end()
}

fn unexpected(what: String) -> thrift::Error {
    ProtocolError::new(ProtocolErrorKind::NotImplemented, what).into()
}
