"""Rules that a foreign service does not follow. If it begins to follow one, the run fails, so this
list stays complete."""

from formats import JAEGER
from services import GO, PYTHON


def exports_flags(service):
    """Whether the exported spans have the flags of the trace."""
    return service not in PYTHON


def baggage_read(of, sender, receiver, value):
    """The value of baggage that `receiver` reads if `sender`, or the runner, sends `value`.

    In baggage `+` means `+`. Python encodes and decodes it as in forms, where it means a space. Our
    services and the runner send `%2B`, which both kinds of receivers decode. In Jaeger's format,
    Python sends baggage a second time, well encoded, and all but Go read that."""
    if sender in PYTHON and receiver not in PYTHON:
        return value if of == JAEGER and receiver not in GO else value.replace(" ", "+")
    if sender in GO and receiver in PYTHON:
        return value.replace("+", " ")
    return value
