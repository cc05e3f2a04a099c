"""A socket that stops listening loses no connection that was made before."""

import socket

import pytest

from app.draining import _accept_last


def test_connections_that_wait_are_accepted_and_later_ones_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        clients = [socket.create_connection(address) for _ in range(3)]
        for client in clients:
            client.sendall(b"x")
        accepted = _accept_last(listening)
        assert [connection.recv(1) for connection in accepted] == [b"x"] * 3
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        for connection in (*clients, *accepted):
            connection.close()


def test_nobody_waits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert _accept_last(listening) == []
