"""A proxy in front of the API that loses responses: the request is executed, but the client gets no response."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class LosingProxy:
    """Closes the connection instead of passing on the next `lose` responses."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.lose = 0
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server, suppress(OSError):
            threading.Thread(target=self._to_server, args=(client, server), daemon=True).start()
            while said := server.recv(65536):
                if self.lose:
                    self.lose -= 1
                    self.lost += 1
                    break
                client.sendall(said)
            client.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _to_server(client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while asked := client.recv(65536):
                server.sendall(asked)
            server.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listening.close()


@contextmanager
def losing_proxy(port: int) -> Iterator[LosingProxy]:
    proxy = LosingProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
