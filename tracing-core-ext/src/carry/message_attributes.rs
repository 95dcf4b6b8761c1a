use std::borrow::Cow;

use opentelemetry::KeyValue;

use crate::semconv::{Facts, SpanAttributes, names, options::AttributeOptions};

/// Operation of a message, which decides the kind of its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Send,
    Process,
}

impl Operation {
    /// Value of `messaging.operation.type`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Process => "process",
        }
    }
}

/// Attributes of a message: semantic conventions 1.44, "Messaging spans".
pub(super) struct MessageAttributes<'a> {
    pub(super) system: &'a str,
    pub(super) operation: Operation,
    pub(super) operation_name: Option<&'a str>,
    pub(super) destination: &'a str,
    pub(super) template: Option<&'a str>,
    pub(super) message_id: Option<&'a str>,
    pub(super) message_count: Option<i64>,
    pub(super) server: Option<(&'a str, Option<u16>)>,
    pub(super) others: &'a [KeyValue],
    pub(super) options: &'a AttributeOptions,
}

impl MessageAttributes<'_> {
    fn push(&self, facts: &mut Facts) -> Cow<'static, str> {
        let operation_name = self.operation_name.unwrap_or(self.operation.as_str());
        facts.text(names::MESSAGING_SYSTEM, self.system);
        facts.text(names::MESSAGING_OPERATION_NAME, operation_name);
        facts.literal(names::MESSAGING_OPERATION_TYPE, self.operation.as_str());
        facts.text(names::MESSAGING_DESTINATION_NAME, self.destination);
        let text = [
            (names::MESSAGING_DESTINATION_TEMPLATE, self.template),
            (names::MESSAGING_MESSAGE_ID, self.message_id),
            (names::SERVER_ADDRESS, self.server.map(|(host, _)| host)),
        ];
        for (key, value) in text {
            value.into_iter().for_each(|value| facts.text(key, value));
        }
        let port = self.server.and_then(|(_, port)| port).map(i64::from);
        port.into_iter().for_each(|port| facts.int(names::SERVER_PORT, port));
        let count = self.message_count;
        count.into_iter().for_each(|it| facts.int(names::MESSAGING_BATCH_MESSAGE_COUNT, it));
        self.others.iter().for_each(|attribute| facts.attribute(attribute.clone()));
        format!("{operation_name} {}", self.template.unwrap_or(self.destination)).into()
    }
}

impl SpanAttributes for MessageAttributes<'_> {
    fn describe(&self, facts: &mut Facts) -> Cow<'static, str> {
        self.options.with_limit(facts, |facts| self.push(facts))
    }
}
