"""Parser for the spans in a batch of Jaeger, without a schema: the binary protocol of Thrift.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md
"""

STOP, STRUCT = 0, 12
SIZES = {2: 1, 3: 1, 4: 8, 6: 2, 8: 4, 10: 8}
STRING, LISTS = 11, (14, 15)
# Fields of Batch and Span in jaeger.thrift.
SPANS = 2
TRACE_ID_LOW, TRACE_ID_HIGH, SPAN_ID = 1, 2, 3


def spans(batch):
    """Yields trace id and span id of each span."""
    for span in Reader(batch).struct()[SPANS]:
        yield (span[TRACE_ID_HIGH] + span[TRACE_ID_LOW]).hex(), span[SPAN_ID].hex()


class Reader:
    def __init__(self, message):
        self.message = message
        self.position = 0

    def take(self, size):
        self.position += size
        return self.message[self.position - size : self.position]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def struct(self):
        """Returns the values of a structure by field number."""
        fields = {}
        while (kind := self.number(1)) != STOP:
            number = self.number(2)
            fields[number] = self.value(kind)
        return fields

    def value(self, kind):
        if kind in SIZES:
            return self.take(SIZES[kind])
        if kind == STRING:
            return self.take(self.number(4))
        if kind == STRUCT:
            return self.struct()
        if kind in LISTS:
            kind = self.number(1)
            return [self.value(kind) for _ in range(self.number(4))]
        raise ValueError(f"type {kind} is in no batch of Jaeger")
