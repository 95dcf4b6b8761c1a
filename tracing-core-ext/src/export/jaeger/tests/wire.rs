//! A fake agent and a fake collector. They parse Thrift by its grammar.

use std::{
    collections::BTreeMap,
    io::Cursor,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use thrift::protocol::{
    TBinaryInputProtocol, TCompactInputProtocol, TInputProtocol, TMessageType, TType,
};

/// Structures of jaeger-idl, `jaeger.thrift`.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) service_name: String,
    pub(super) process_tags: BTreeMap<String, Tag>,
    pub(super) spans: Vec<Span>,
}

#[derive(Debug)]
pub(super) struct Span {
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    pub(super) parent_span_id: u64,
    pub(super) name: String,
    pub(super) references: Vec<Reference>,
    pub(super) flags: i32,
    pub(super) start_microseconds: i64,
    pub(super) microseconds: i64,
    pub(super) tags: BTreeMap<String, Tag>,
    pub(super) logs: Vec<Log>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Reference {
    ChildOf(u128, u64),
    FollowsFrom(u128, u64),
}

#[derive(Debug, PartialEq)]
pub(super) struct Log {
    pub(super) microseconds: i64,
    pub(super) fields: BTreeMap<String, Tag>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Tag {
    Text(String),
    Double(f64),
    Bool(bool),
    Long(i64),
}

impl From<&str> for Tag {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Socket that receives the packets of an agent.
pub(super) struct Agent(UdpSocket);

impl Agent {
    pub(super) fn start() -> Self {
        Self::at(([127, 0, 0, 1], 0).into())
    }

    pub(super) fn at(address: SocketAddr) -> Self {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(socket)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Receives the next packet.
    pub(super) fn receive(&self) -> Batch {
        let mut packet = vec![0; 1 << 17];
        let length = self.0.recv(&mut packet).unwrap();
        assert!(length <= 65_000, "a packet of {length} bytes");
        read_packet(&packet[..length])
    }

    /// Receives this number of spans, and returns them with the number of their packets.
    pub(super) fn receive_spans(&self, count: usize) -> (Vec<Span>, usize) {
        let (mut spans, mut packets) = (Vec::new(), 0);
        while spans.len() < count {
            spans.extend(self.receive().spans);
            packets += 1;
        }
        (spans, packets)
    }
}

fn read_packet(packet: &[u8]) -> Batch {
    let mut cursor = Cursor::new(packet);
    let mut input = TCompactInputProtocol::new(&mut cursor);
    let message = input.read_message_begin().unwrap();
    assert_eq!((&*message.name, message.message_type), ("emitBatch", TMessageType::OneWay));
    let mut arguments = read_struct(&mut input);
    assert_eq!(cursor.position() as usize, packet.len());
    batch(arguments.remove(&1).unwrap().fields())
}

/// Parses the body of a request to a collector.
pub(super) fn read_body(body: &[u8]) -> Batch {
    batch(read_struct(&mut TBinaryInputProtocol::new(Cursor::new(body), true)))
}

type Fields = BTreeMap<i16, Value>;

enum Value {
    Bool(bool),
    Long(i64),
    Double(f64),
    Text(String),
    Fields(Fields),
    List(Vec<Value>),
}

fn read_struct(input: &mut dyn TInputProtocol) -> Fields {
    let mut fields = Fields::new();
    input.read_struct_begin().unwrap();
    loop {
        let field = input.read_field_begin().unwrap();
        if field.field_type == TType::Stop {
            break;
        }
        let value = read_value(field.field_type, input);
        assert!(fields.insert(field.id.unwrap(), value).is_none());
        input.read_field_end().unwrap();
    }
    input.read_struct_end().unwrap();
    fields
}

fn read_value(kind: TType, input: &mut dyn TInputProtocol) -> Value {
    match kind {
        TType::Bool => Value::Bool(input.read_bool().unwrap()),
        TType::I32 => Value::Long(input.read_i32().unwrap().into()),
        TType::I64 => Value::Long(input.read_i64().unwrap()),
        TType::Double => Value::Double(input.read_double().unwrap()),
        TType::String | TType::Utf7 => Value::Text(input.read_string().unwrap()),
        TType::Struct => Value::Fields(read_struct(input)),
        TType::List => {
            let list = input.read_list_begin().unwrap();
            Value::List((0..list.size).map(|_| read_value(list.element_type, input)).collect())
        }
        other => panic!("a value of type {other}"),
    }
}

impl Value {
    fn long(self) -> i64 {
        let Self::Long(value) = self else { panic!("no integer") };
        value
    }

    fn text(self) -> String {
        let Self::Text(value) = self else { panic!("no text") };
        value
    }

    fn fields(self) -> Fields {
        let Self::Fields(fields) = self else { panic!("no struct") };
        fields
    }

    fn list(self) -> impl Iterator<Item = Fields> {
        let Self::List(list) = self else { panic!("no list") };
        list.into_iter().map(Value::fields)
    }
}

fn batch(mut fields: Fields) -> Batch {
    let mut process = fields.remove(&1).unwrap().fields();
    Batch {
        service_name: process.remove(&1).unwrap().text(),
        process_tags: tags(process.remove(&2)),
        spans: fields.remove(&2).unwrap().list().map(span).collect(),
    }
}

fn span(mut fields: Fields) -> Span {
    let trace_id = trace_id(fields.remove(&2).unwrap(), fields.remove(&1).unwrap());
    let mut long = |id| fields.remove(&id).unwrap().long();
    let (span_id, parent_span_id, flags) = (long(3), long(4), long(7));
    let (start_microseconds, microseconds) = (long(8), long(9));
    Span {
        trace_id,
        span_id: span_id.cast_unsigned(),
        parent_span_id: parent_span_id.cast_unsigned(),
        name: fields.remove(&5).unwrap().text(),
        references: fields
            .remove(&6)
            .map_or(Vec::new(), |list| list.list().map(reference).collect()),
        flags: flags.try_into().unwrap(),
        start_microseconds,
        microseconds,
        tags: tags(fields.remove(&10)),
        logs: fields.remove(&11).map_or(Vec::new(), |list| list.list().map(log).collect()),
    }
}

fn trace_id(high: Value, low: Value) -> u128 {
    let [high, low] = [high, low].map(|half| u128::from(half.long().cast_unsigned()));
    high << 64 | low
}

fn reference(mut fields: Fields) -> Reference {
    let trace_id = trace_id(fields.remove(&3).unwrap(), fields.remove(&2).unwrap());
    let span_id = fields.remove(&4).unwrap().long().cast_unsigned();
    match fields.remove(&1).unwrap().long() {
        0 => Reference::ChildOf(trace_id, span_id),
        1 => Reference::FollowsFrom(trace_id, span_id),
        other => panic!("a reference of type {other}"),
    }
}

fn log(mut fields: Fields) -> Log {
    let microseconds = fields.remove(&1).unwrap().long();
    Log { microseconds, fields: tags(fields.remove(&2)) }
}

fn tags(list: Option<Value>) -> BTreeMap<String, Tag> {
    let mut tags = BTreeMap::new();
    for mut fields in list.into_iter().flat_map(Value::list) {
        let key = fields.remove(&1).unwrap().text();
        assert!(tags.insert(key.clone(), tag(fields)).is_none(), "{key} twice");
    }
    tags
}

fn tag(mut fields: Fields) -> Tag {
    let kind = fields.remove(&2).unwrap().long();
    let (_, value) = fields.pop_first().unwrap();
    assert!(fields.is_empty());
    match (kind, value) {
        (0, Value::Text(text)) => Tag::Text(text),
        (1, Value::Double(value)) => Tag::Double(value),
        (2, Value::Bool(value)) => Tag::Bool(value),
        (3, Value::Long(value)) => Tag::Long(value),
        (kind, _) => panic!("a tag of type {kind}"),
    }
}
