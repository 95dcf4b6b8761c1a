"""The programs that are judged: examples of this repository, told where to export by variables alone."""

import os
import pathlib
import re
import socket

from processes import Process, eventually, free_ports

PROGRAMS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"), "debug")
LOSS = re.compile(r"(\d+) of (\d+) spans were not delivered to ")


def shop(environment, *arguments):
    return Process("shop", [PROGRAMS / "shop", *arguments], environment)


class Server(Process):
    """`axum_server` or `actix_server`. Two spans a request: the server's, and one of the handler's own below it."""

    SPANS_PER_REQUEST = 2

    def __init__(self, framework, environment):
        (port,) = free_ports(1)
        # Lines of the exporter, but none per request.
        quiet = {"RUST_LOG": f"warn,tracing_core_ext=info,{framework}_server=error"}
        arguments = [PROGRAMS / f"{framework}_server", f"127.0.0.1:{port}"]
        super().__init__(framework, arguments, quiet | environment)
        self.url = f"http://127.0.0.1:{port}/items/7"
        eventually(f"{framework} listens", lambda: socket.create_connection(("127.0.0.1", port)).close() or True)

    def loss(self):
        """How many spans it says it has lost at its end, and of how many; none if it says nothing."""
        match = LOSS.search(self.said())
        return (int(match[1]), int(match[2])) if match else (0, None)
