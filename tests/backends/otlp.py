"""Parser for the spans and log records in a protobuf message of OTLP, without a schema.

https://protobuf.dev/programming-guides/encoding/
"""

RESOURCE_SPANS, SCOPE_SPANS, SPANS = 1, 2, 2
TRACE_ID, SPAN_ID = 1, 2


def spans(request):
    """Yields trace id and span id of each span of an ExportTraceServiceRequest."""
    for resource in messages(request, RESOURCE_SPANS):
        for scope in messages(resource, SCOPE_SPANS):
            for span in messages(scope, SPANS):
                yield next(messages(span, TRACE_ID)).hex(), next(messages(span, SPAN_ID)).hex()


def log_records(request):
    """Yields trace id and span id of each log record of an ExportLogsServiceRequest, or its time and body without them."""
    for resource in messages(request, RESOURCE_SPANS):
        for scope in messages(resource, SCOPE_SPANS):
            for record in messages(scope, SPANS):
                trace_id, span_id, when, body = (next(messages(record, it), b"").hex() for it in (9, 10, 1, 5))
                yield (trace_id, span_id) if trace_id else (when, body)


def messages(message, wanted):
    """Yields the length-delimited fields with the number `wanted`."""
    position = 0
    while position < len(message):
        tag, position = varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == 0:
            _, position = varint(message, position)
            continue
        length = {1: 8, 5: 4}.get(wire_type)
        if length is None:
            length, position = varint(message, position)
        if number == wanted:
            yield message[position : position + length]
        position += length


def varint(message, position):
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
