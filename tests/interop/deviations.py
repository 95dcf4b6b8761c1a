"""Rules that a foreign service does not follow. If it begins to follow one, the run fails, so this
list stays complete."""

from formats import JAEGER
from services import GO, JAVA, NODE, PYTHON

BEYOND_ASCII = "\u00fc\U0001f980"

# The last release of the instrumentation of echo does not measure requests.
WITHOUT_SERVER_METRICS = ("echo",)


def exports_flags(service):
    """Whether the exported spans have the flags of the trace."""
    return service not in PYTHON


def baggage_read(of, sender, receiver, value):
    """The value of baggage that `receiver` reads if `sender`, or the runner, sends `value`.

    In baggage `+` means `+`. Python encodes and decodes it as in forms, where it means a space. Our
    services and the runner send `%2B`, which both kinds of receivers decode. In Jaeger's format,
    Python sends baggage a second time, well encoded. Go and Node do not use that."""
    if sender in PYTHON and receiver not in PYTHON:
        second = of == JAEGER and receiver not in (*GO, *NODE)
        return value if second else value.replace(" ", "+")
    if sender in JAVA and of == JAEGER:
        # Java does not encode baggage in this format, where `+` means a space.
        return value.replace("+", " ")
    if sender in GO and receiver in PYTHON:
        return value.replace("+", " ")
    return value


def baggage_refused(sender, of):
    """Characters with which a service cannot send baggage. In Jaeger's format, Java does not encode
    them, and its client then refuses the request."""
    return BEYOND_ASCII if sender in JAVA and of == JAEGER else ""
