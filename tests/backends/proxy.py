"""TCP proxy that counts the bytes sent to a port."""

import socket
import threading


class Proxy:
    def __init__(self, target):
        self.bytes = 0
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self.pass_on, args=[client, server, self.count], daemon=True).start()
            threading.Thread(target=self.pass_on, args=[server, client, lambda _: None], daemon=True).start()

    def count(self, size):
        self.bytes += size

    def pass_on(self, source, sink, count):
        try:
            while data := source.recv(1 << 16):
                count(len(data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
